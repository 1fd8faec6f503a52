//! A running Job: its pods, their logs, and the load that they report.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::AsyncBufReadExt as _;
use hpa_check_core::observation::{LoadResult, LoadSecond};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, DynamicObject, ListParams, LogParams, PropagationPolicy};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pods::{LoadPod, Stuck, total};
use super::{JobLoad, Part};
use crate::feed::live::trouble::{TroubleKind, within};
use crate::load::command::loaded_nothing;
use crate::load::{foreign, second};
use crate::process::KEPT_LINES;

/// Time between two checks of the Job and its pods.
const LOOK: Duration = Duration::from_millis(500);

/// From the Job's creation to its first container: a node may have to pull the image.
const STARTS_WITHIN: Duration = Duration::from_mins(3);

/// From the Job's deletion to the end of its pods' logs. A run waits half a minute for the load's result.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// A line of a pod's log, or `None` at its end.
type Line = (String, Option<String>);

/// A Job that was created, and what is known about its pods.
pub(super) struct Following<'a> {
    load: &'a JobLoad,
    name: String,
    created: Instant,
    pods: BTreeMap<String, LoadPod>,
    lines: UnboundedSender<Line>,
    arriving: UnboundedReceiver<Line>,
    /// One task per log. Dropping them ends them.
    tasks: JoinSet<()>,
}

/// The progress of a Job.
enum State {
    Going,
    Over,
    Gone,
}

impl<'a> Following<'a> {
    /// The Job of that name, which was just created.
    pub(super) fn new(load: &'a JobLoad, name: String) -> Self {
        let (lines, arriving) = unbounded_channel();
        Self {
            load,
            name,
            created: Instant::now(),
            pods: BTreeMap::new(),
            lines,
            arriving,
            tasks: JoinSet::new(),
        }
    }

    /// Follows it until it ends or is stopped.
    pub(super) async fn follow(
        mut self,
        stop: CancellationToken,
        mut emit: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        let mut look = tokio::time::interval(LOOK);
        let mut kill_at: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                Some((pod, line)) = self.arriving.recv() => self.take(&pod, line, &mut emit),
                () = stop.cancelled(), if kill_at.is_none() => {
                    kill_at = Some(Instant::now() + STOPS_WITHIN);
                    self.end_pods().await;
                }
                _ = look.tick() => {
                    let state = self.look().await;
                    let ended = self.pods.values().all(LoadPod::is_over);
                    match (state, kill_at) {
                        (State::Over | State::Gone, Some(_)) if ended => break,
                        (State::Over, None) if ended && !self.pods.is_empty() => break,
                        (State::Gone, None) => {
                            return Err(format!("the Job {} of the load was deleted by someone else", self.name));
                        }
                        _ => {}
                    }
                    match kill_at {
                        Some(at) if Instant::now() >= at => break,
                        Some(_) => {}
                        None => self.started().await?,
                    }
                }
            }
        }
        self.account(kill_at.is_some())
    }

    fn take(&mut self, pod: &str, line: Option<String>, emit: &mut impl FnMut(LoadSecond)) {
        let Some(known) = self.pods.get_mut(pod) else {
            return;
        };
        let Some(line) = line else {
            known.log_ended = true;
            return;
        };
        let second = second::read(&line);
        known.printed.take(line);
        if second.is_some() {
            known.second = second;
            if let Some(second) = total(self.pods.values().filter_map(|pod| pod.second.as_ref())) {
                emit(second);
            }
        }
    }

    /// Reads the Job and its pods, and follows the log of each pod that has started.
    async fn look(&mut self) -> State {
        let deadline = self.load.deadline;
        let selected = ListParams::default().labels(&format!("job-name={}", self.name));
        let api: Api<Pod> = self.load.api();
        // A failed call is repeated at the next check.
        if let Ok(list) = within(deadline, api.list(&selected)).await {
            self.see(list.items);
        }
        let jobs = self.load.all(Part::Job);
        match within(deadline, jobs.get(&self.name)).await {
            Ok(job) if is_over(&job) => State::Over,
            Err(trouble) if trouble.kind == TroubleKind::NotFound => State::Gone,
            _ => State::Going,
        }
    }

    fn see(&mut self, listed: Vec<Pod>) {
        let names: Vec<_> = listed
            .iter()
            .filter_map(|pod| pod.metadata.name.clone())
            .collect();
        for (name, pod) in &mut self.pods {
            pod.gone |= !names.contains(name);
        }
        for pod in listed {
            let Some(name) = pod.metadata.name.clone() else {
                continue;
            };
            let known = self.pods.entry(name.clone()).or_default();
            known.see(&pod);
            if known.has_begun() && !known.followed {
                known.followed = true;
                let (api, lines) = (self.load.api(), self.lines.clone());
                let container = known.container.clone();
                self.tasks.spawn(log(api, name, container, lines));
            }
        }
    }

    /// Deletes the Job and waits for its pods, which get SIGTERM: their logs can be read until they end.
    async fn end_pods(&mut self) {
        let foreground = PropagationPolicy::Foreground;
        // If deleting fails now, it is tried again at the end and then reported.
        let _ = self
            .load
            .delete_one(Part::Job, &self.name, foreground)
            .await;
    }

    /// An error once it is clear that no container will start.
    async fn started(&self) -> Result<(), String> {
        if self.pods.values().any(LoadPod::has_begun) {
            return Ok(());
        }
        let waited = self.created.elapsed();
        let stuck = self.pods.values().find_map(|pod| pod.stuck.as_ref());
        let why = match stuck {
            Some(Stuck::ForGood(why)) => why.clone(),
            Some(Stuck::Waiting(why)) if waited > STARTS_WITHIN => why.clone(),
            None if self.pods.is_empty() => match self.refused().await {
                Some(why) => why,
                None if waited > STARTS_WITHIN => "it has no pod".to_owned(),
                None => return Ok(()),
            },
            None if waited > STARTS_WITHIN => "its pod has not started".to_owned(),
            _ => return Ok(()),
        };
        Err(format!(
            "the Job {} of the load did not start: {why}",
            self.name
        ))
    }

    /// Why the API server rejects the Job's pods, from the Job's events.
    async fn refused(&self) -> Option<String> {
        let fields = format!("involvedObject.name={},type=Warning", self.name);
        let api: Api<Event> = self.load.api();
        let selected = ListParams::default().fields(&fields);
        let events = within(self.load.deadline, api.list(&selected)).await.ok()?;
        let mut failed = events
            .items
            .into_iter()
            .filter(|event| event.reason.as_deref() == Some("FailedCreate"));
        failed.next()?.message
    }

    /// The result of the load.
    fn account(&self, stopped: bool) -> Result<LoadResult, String> {
        let named = format!("Job {}/{}", self.load.namespace, self.name);
        let pods: Vec<&LoadPod> = self.pods.values().filter(|pod| pod.has_begun()).collect();
        if pods.is_empty() {
            return Err(format!("the {named} of the load ended before it started"));
        }
        let code = pods.iter().filter_map(|pod| pod.exit_code).max();
        let ran = pods.iter().filter_map(|pod| pod.ran()).max();
        let summaries: Vec<_> = pods
            .iter()
            .map(|pod| foreign::read(&pod.printed.text()))
            .collect();
        let reported =
            pods.iter().any(|pod| pod.second.is_some()) || summaries.iter().any(Option::is_some);
        let output = last_words(&pods);
        let nothing = ran.is_some_and(|ran| loaded_nothing(ran, reported));
        if !stopped && nothing && code.is_some_and(|code| code != 0) {
            return Err(format!(
                "the {named} generated no load (exit code {}; last output: {})",
                code.unwrap_or_default(),
                output.last().map_or("none", String::as_str)
            ));
        }
        // The end of fib-loadgen's own document is of no use to anyone.
        let own = self.load.load.url.is_some() && summaries.iter().any(Option::is_some);
        let mut result = LoadResult {
            exit_code: code.unwrap_or(-1),
            command: Some(named),
            output: if own { Vec::new() } else { output },
            ..LoadResult::default()
        };
        for (pod, summary) in pods.into_iter().zip(summaries) {
            pod.add_to(&mut result, summary);
        }
        Ok(result)
    }
}

/// The last lines printed by all pods together.
fn last_words(pods: &[&LoadPod]) -> Vec<String> {
    let mut lines: Vec<String> = pods.iter().flat_map(|pod| pod.printed.tail()).collect();
    lines.split_off(lines.len().saturating_sub(KEPT_LINES))
}

fn is_over(job: &DynamicObject) -> bool {
    let conditions = job.data["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| {
        condition["status"] == "True"
            && (condition["type"] == "Complete" || condition["type"] == "Failed")
    })
}

/// Sends the lines of a pod's log, and its end. A broken connection is reopened where it stopped.
async fn log(api: Api<Pod>, pod: String, container: Option<String>, lines: UnboundedSender<Line>) {
    let mut since = None;
    for _attempt in 0..20 {
        let params = LogParams {
            container: container.clone(),
            follow: true,
            since_seconds: since,
            ..LogParams::default()
        };
        let Ok(stream) = api.log_stream(&pod, &params).await else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let mut read = stream.lines();
        loop {
            match futures_util::StreamExt::next(&mut read).await {
                Some(Ok(line)) => {
                    if lines.send((pod.clone(), Some(line))).is_err() {
                        return;
                    }
                }
                Some(Err(_)) => break,
                None => {
                    let _ = lines.send((pod, None));
                    return;
                }
            }
        }
        since = Some(1);
    }
    let _ = lines.send((pod, None));
}
