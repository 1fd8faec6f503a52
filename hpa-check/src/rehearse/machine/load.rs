//! The load: one `fib-loadgen` process that follows the plan, tells each second, and gives account.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use rustix::process::Signal;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::super::sizing::LoadPlan;
use super::super::world::Happening;
use super::account;
use super::child::Child;

/// A generator that was told to stop finishes its requests and writes its result within that.
const STOPS_WITHIN: Duration = Duration::from_secs(12);

/// How long the load takes to rise and to fall.
const SLOPE: Duration = Duration::from_secs(1);

/// How to start the generator.
pub(super) struct Generator {
    pub(super) fib_loadgen: PathBuf,
    /// The balancer.
    pub(super) target: SocketAddr,
    /// Where its result goes.
    pub(super) result: PathBuf,
    pub(super) happenings: Sender<Happening>,
    /// Ends the load before its plan does.
    pub(super) stop: CancellationToken,
}

impl Generator {
    /// The whole load.
    pub(super) async fn run(self, plan: LoadPlan) {
        let account = self.attack(&plan).await;
        // Nobody listens any more once the rehearsal is over.
        let _ = self.happenings.send(Happening::LoadEnded(account));
    }

    async fn attack(&self, plan: &LoadPlan) -> Result<LoadResult, String> {
        let mut child = Child::start(
            &self.fib_loadgen,
            &arguments(self.target, plan, &self.result),
        )?;
        let mut stopping = false;
        loop {
            tokio::select! {
                line = child.lines.next_line() => match line {
                    Ok(Some(line)) => self.second(&line),
                    Ok(None) | Err(_) => break,
                },
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    child.signal(Signal::INT);
                }
            }
        }
        if tokio::time::timeout(STOPS_WITHIN, child.ended())
            .await
            .is_err()
        {
            child.kill();
        }
        let status = child.ended().await;
        let code = status.and_then(|status| status.code());
        account::read(&self.result, code).map_err(|e| {
            format!(
                "the load generator gave no account ({}): {e}",
                child.obituary(status)
            )
        })
    }

    /// A line that is not a second of load is none of ours.
    fn second(&self, line: &str) {
        if let Ok(second) = serde_json::from_str::<Second>(line) {
            let _ = self.happenings.send(Happening::Load(second.into()));
        }
    }
}

/// The flags that make the generator follow the plan.
fn arguments(target: SocketAddr, plan: &LoadPlan, result: &Path) -> Vec<String> {
    let mut args = vec![
        format!("http://{target}"),
        "--users".to_owned(),
        plan.users.to_string(),
        "--n".to_owned(),
        plan.intensity.n.to_string(),
    ];
    for (duration, rate) in [
        (plan.before, plan.rest_rate()),
        (plan.high, plan.intensity.rate),
        (plan.after, plan.rest_rate()),
    ] {
        // A stage is a slope to its target: a steep one, then a level one.
        for part in [SLOPE, duration.saturating_sub(SLOPE)] {
            args.push("--stage".to_owned());
            args.push(format!("{}ms:{rate:.0}/s", part.as_millis()));
        }
    }
    args.extend(["--ui", "none", "--exit-with-stdin", "-o", "ndjson=-", "-o"].map(str::to_owned));
    args.push(format!("json={}", result.display()));
    args
}

/// One line of the generator's live output. It has more keys than these.
#[derive(Debug, Deserialize)]
struct Second {
    users: u64,
    offered_rps: Option<f64>,
    rps: f64,
    failed: u64,
    wrong: u64,
    verified: u64,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
    #[serde(default)]
    pods: std::collections::BTreeMap<String, u64>,
}

impl From<Second> for LoadSecond {
    fn from(second: Second) -> Self {
        Self {
            users: second.users,
            offered_rps: second.offered_rps,
            rps: second.rps,
            failed: second.failed,
            wrong: second.wrong,
            verified: second.verified,
            p50_us: second.p50_us,
            p99_us: second.p99_us,
            pods: second.pods,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sizing::Intensity;
    use super::*;

    #[test]
    fn the_stages_last_as_long_as_the_plan() {
        let plan = LoadPlan {
            users: 500,
            intensity: Intensity { n: 90, rate: 100.0 },
            before: Duration::from_secs(5),
            high: Duration::from_secs(20),
            after: Duration::from_secs(15),
        };
        let target = "127.0.0.1:80".parse().unwrap();
        let args = arguments(target, &plan, Path::new("load.json"));
        let stages: Vec<_> = args.iter().filter(|arg| arg.ends_with("/s")).collect();
        let wanted = [
            "1000ms:10/s",
            "4000ms:10/s",
            "1000ms:100/s",
            "19000ms:100/s",
            "1000ms:10/s",
            "14000ms:10/s",
        ];
        assert_eq!(stages, wanted.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_second_is_read_whatever_else_its_line_says() {
        let line = r#"{"at":"2026-01-01T00:00:00.000Z","elapsed_ms":1000,"users":500,"offered_rps":160.0,
            "rps":158.5,"sent":158,"ok":158,"failed":1,"wrong":2,"verified":155,"p50_us":4000,"p99_us":null,
            "in_flight":2,"phase":"hold","pods":{"fib-server-01":53}}"#;
        let second = LoadSecond::from(serde_json::from_str::<Second>(line).unwrap());
        assert_eq!((second.failed, second.wrong, second.verified), (1, 2, 155));
        assert_eq!(second.p99_us, None);
        assert_eq!(second.pods["fib-server-01"], 53);
    }
}
