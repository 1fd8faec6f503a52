//! `run`: check, load, judge, report.

use std::sync::Arc;
use std::time::Duration;

use program_common::process;

use super::load::load;
use super::{calibrate, runtime, say};
use crate::args::RunArgs;
use crate::exit::Failure;
use crate::generator::{OnSaturation, Verdict};
use crate::live::Sinks;
use crate::outputs::{self, Cut, Opened, ReportFormat, Ui};
use crate::report::{self, summary};
use crate::result::Document;
use crate::settings::Settings;
use crate::stop::{self, Stop};
use crate::telemetry::{self, otlp, prometheus};

pub(super) fn run(args: &RunArgs, argv: Vec<String>) -> Result<u8, Failure> {
    let stop = Arc::new(Stop::default());
    stop::on_signals(&stop)
        .map_err(|error| Failure::internal(format!("signals can't be caught ({error})")))?;
    if args.exit_with_stdin {
        let stop = Arc::clone(&stop);
        process::when_stdin_ends(move || stop.abort())
            .map_err(|error| Failure::internal(format!("no thread can be started ({error})")))?;
    }
    let args = &calibrate::calibrated(args, &stop)?;
    let settings = Settings::new(args, argv)?;
    let stdout = outputs::claim_stdout()
        .map_err(|error| Failure::internal(format!("standard output can't be kept ({error})")))?;
    let Opened { documents, lines } = outputs::open(&args.outputs(), &stdout)?;
    let runtime = runtime(settings.workers)?;
    let (settings, documents) = (Arc::new(settings), Arc::new(documents));
    let telemetry = telemetry(args)?;
    let sinks = Sinks {
        lines,
        ui: args.ui,
        telemetry: telemetry.clone(),
        documents: Arc::clone(&documents),
    };
    let (document, cut) = runtime.block_on(async {
        let pushing = telemetry.zip(args.otlp.clone()).map(|(shared, url)| {
            let (end, over) = tokio::sync::oneshot::channel();
            let run = format!("{:x}", settings.seed);
            (end, tokio::spawn(otlp::push(url, run, shared, over)))
        });
        let document = load(&settings, &stop, sinks).await;
        if let Some((end, pushing)) = pushing {
            drop(end);
            // Its last request has a timeout of its own.
            let _ = pushing.await;
        }
        document
    })?;
    let document = document.rounded();
    // Requests in flight were given up; waiting for them would only delay the result.
    runtime.shutdown_timeout(Duration::from_millis(100));
    if args.ui != Ui::None || document.exit.code != 0 {
        say(&summary(&document));
    }
    document
        .warnings
        .iter()
        .for_each(|warning| say(&format!("warning: {warning}")));
    if settings.on_saturation == OnSaturation::Warn
        && document.generator.verdict == Verdict::Saturated
    {
        say(
            "warning: the generator was the bottleneck, so these numbers describe it and not the target",
        );
    }
    write(&document, &documents, cut)?;
    Ok(document.exit.code)
}

/// Where each second's numbers are kept for collectors; `None` if there are none.
fn telemetry(args: &RunArgs) -> Result<Option<telemetry::Shared>, Failure> {
    let shared = telemetry::Shared::default();
    if let Some(address) = args.prometheus {
        let listener = prometheus::listen(address, args.prometheus_to_network)?;
        prometheus::serve(listener, Arc::clone(&shared))
            .map_err(|error| Failure::internal(format!("no thread can be started ({error})")))?;
    }
    let wanted = args.prometheus.is_some() || args.otlp.is_some();
    Ok(wanted.then_some(shared))
}

/// Writes the result to every place; a failure in one does not affect the others.
fn write(
    document: &Document,
    places: &[(ReportFormat, outputs::Destination)],
    cut: Vec<Cut>,
) -> Result<(), Failure> {
    let mut refused: Vec<String> = cut
        .into_iter()
        .map(|(name, error)| format!("{name} ({error})"))
        .collect();
    for (kind, place) in places {
        let text = report::render(*kind, document)?;
        if let Err(error) = place.write(text.as_bytes()) {
            refused.push(format!("{place} ({error})"));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::internal(format!(
        "the result could not be written to {}: make room there and run again",
        refused.join(", nor to ")
    )))
}
