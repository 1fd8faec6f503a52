//! A recording of a cluster, without load and without a verdict.

use std::io;
use std::time::Duration;

use hpa_check_core::documents::trace::Writer;
use hpa_check_core::expectation::{Expectation, ScaleDown};
use hpa_check_core::observation::{ControllerConfig, Observation, RunContext, Seen};

use crate::failure::Failure;
use crate::feed::live::{ClusterArgs, Live, Timing, Watching};
use crate::outputs::{Destination, Files, Recorder};
use crate::signals::Signals;
use crate::sinks::screen::notice;

/// What to record.
pub(crate) struct Recording {
    pub(crate) cluster: ClusterArgs,
    pub(crate) autoscaler: Option<String>,
    /// `None` is until stopped.
    pub(crate) length: Option<Duration>,
    pub(crate) controller: ControllerConfig,
    pub(crate) metrics_resolution: Duration,
    pub(crate) files: Files,
}

/// The autoscaler itself has to be seen by then: the trace begins with what its spec says.
const SEEN_WITHIN: Duration = Duration::from_secs(15);

/// Records, and ends with 0 however it is stopped: what was seen is in the file.
pub(crate) fn record(recording: Recording) -> Result<u8, Failure> {
    let opened = recording.files.open()?;
    let Some(destination) = opened.trace.filter(|_| opened.reports.is_empty()) else {
        return Err(Failure::usage(
            "a recording is a trace and nothing else: give -o trace=FILE",
        ));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::internal(format!("the runtime can't be started: {e}")))?;
    runtime.block_on(watch(
        recording.cluster,
        recording.autoscaler,
        &destination,
        Limits {
            length: recording.length,
            controller: recording.controller,
            metrics_resolution: recording.metrics_resolution,
        },
    ))
}

struct Limits {
    length: Option<Duration>,
    controller: ControllerConfig,
    metrics_resolution: Duration,
}

async fn watch(
    cluster: ClusterArgs,
    autoscaler: Option<String>,
    destination: &Destination,
    limits: Limits,
) -> Result<u8, Failure> {
    let timing = Timing::of(&limits.controller, limits.metrics_resolution);
    let mut signals =
        Signals::catch().map_err(|e| Failure::internal(format!("signals can't be caught: {e}")))?;
    let live = Live::find(&cluster, autoscaler.as_deref(), timing).await?;
    let setting = Observation {
        at: live.clock().now(),
        seen: Seen::RunContext(RunContext {
            source: "cluster".to_owned(),
            namespace: live.namespace().to_owned(),
            autoscaler: live.autoscaler().to_owned(),
            kubernetes: live.kubernetes().map(str::to_owned),
            controller: limits.controller,
            metrics_resolution: limits.metrics_resolution,
        }),
    };
    let mut watching = live.watch();
    let mut held = vec![setting];
    let expectation = tokio::select! {
        found = first_spec(&mut watching, &mut held) => found?,
        () = signals.next() => return Err(Failure::target("told to stop before the autoscaler was seen; nothing was recorded")),
    };
    let unwritable = |e: io::Error| {
        Failure::usage(format!(
            "the trace can't be written ({e}): give another file with -o trace="
        ))
    };
    let recorder = Recorder::begin(destination).map_err(unwritable)?;
    let mut writer = Writer::new(recorder, &expectation).map_err(unwritable)?;
    let mut count = held.len();
    for observation in &held {
        writer.write(observation).map_err(unwritable)?;
    }
    let end = async {
        match limits.length {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    loop {
        tokio::select! {
            seen = watching.observations.recv() => match seen {
                Some(observation) => {
                    writer.write(&observation).map_err(unwritable)?;
                    count += 1;
                }
                None => return Err(Failure::internal("all watching ended by itself")),
            },
            () = signals.next() => break,
            () = &mut end => break,
        }
    }
    writer
        .finish()
        .and_then(Recorder::finish)
        .map_err(unwritable)?;
    notice(&format!("hpa-check: {count} observations recorded"));
    Ok(0)
}

/// What a replay will assert: what the autoscaler itself is told to do.
async fn first_spec(
    watching: &mut Watching,
    held: &mut Vec<Observation>,
) -> Result<Expectation, Failure> {
    let first = async {
        while let Some(observation) = watching.observations.recv().await {
            let spec = match &observation.seen {
                Seen::Autoscaler(autoscaler) => Some(autoscaler.spec.clone()),
                _ => None,
            };
            held.push(observation);
            if spec.is_some() {
                return spec;
            }
        }
        None
    };
    let spec = tokio::time::timeout(SEEN_WITHIN, first)
        .await
        .ok()
        .flatten();
    let spec = spec.ok_or_else(|| {
        Failure::target("the autoscaler could not be watched, so nothing was recorded")
    })?;
    Ok(Expectation {
        min_replicas: spec.effective_min(),
        max_replicas: spec.max_replicas,
        cpu_target_percent: spec.cpu_target_percent().unwrap_or(0),
        scale_down: ScaleDown::Full,
        ..Expectation::default()
    })
}
