//! The load: one `fib-loadgen` process that follows the plan, reports each second, and writes a result.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::Duration;

use hpa_check_core::observation::LoadResult;
use tokio_util::sync::CancellationToken;

use crate::load::sized::CONNECTION;
use crate::load::{self, in_short};
use hpa_check_core::sim::sizing::LoadPlan;
use hpa_check_core::sim::world::Happening;

/// How long the load takes to rise and to fall.
const SLOPE: Duration = Duration::from_secs(1);

/// How to start the generator.
pub(super) struct RehearsalLoad {
    pub(super) fib_loadgen: PathBuf,
    /// The balancer.
    pub(super) target: SocketAddr,
    /// Where its result goes.
    pub(super) result: PathBuf,
    pub(super) happenings: Sender<Happening>,
    /// Stops the load before its plan ends.
    pub(super) stop: CancellationToken,
}

impl RehearsalLoad {
    /// The whole load.
    pub(super) async fn run(self, plan: LoadPlan) {
        let account = self.attack(&plan).await;
        // After the rehearsal nobody receives this.
        let _ = self.happenings.send(Happening::LoadEnded(account));
    }

    async fn attack(&self, plan: &LoadPlan) -> Result<LoadResult, String> {
        let args = arguments(self.target, plan, &self.result);
        let tell = |second| {
            let _ = self.happenings.send(Happening::Load(second));
        };
        load::attack(
            &self.fib_loadgen,
            &args,
            &self.result,
            self.stop.clone(),
            tell,
        )
        .await
    }
}

/// The flags with which the generator follows the plan.
fn arguments(target: SocketAddr, plan: &LoadPlan, result: &Path) -> Vec<String> {
    let mut args = vec![
        format!("http://{target}"),
        "--users".to_owned(),
        plan.users.to_string(),
        "--n".to_owned(),
        plan.intensity.n.to_string(),
        "--conn-requests".to_owned(),
        CONNECTION.to_owned(),
    ];
    for (duration, rate) in [
        (plan.before, plan.rest_rate()),
        (plan.high, plan.intensity.rate),
        (plan.after, plan.rest_rate()),
    ] {
        // A stage is a ramp to its target: here a steep one, then a flat one.
        for part in [SLOPE, duration.saturating_sub(SLOPE)] {
            args.push("--stage".to_owned());
            args.push(format!("{}ms:{}/s", part.as_millis(), in_short(rate)));
        }
    }
    args.extend(load::reporting(result));
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpa_check_core::sim::intensity::Intensity;

    fn flags() -> Vec<String> {
        let plan = LoadPlan {
            users: 500,
            intensity: Intensity { n: 90, rate: 100.0 },
            rest: 0.034,
            before: Duration::from_secs(5),
            high: Duration::from_secs(20),
            after: Duration::from_secs(15),
        };
        let target = "127.0.0.1:80".parse().unwrap();
        arguments(target, &plan, Path::new("load.json"))
    }

    /// At a few hundred requests a second only a few connections are busy at a time: if they lived long, most of
    /// twenty pods would idle by our own doing.
    #[test]
    fn connections_are_renewed_so_often_that_every_pod_gets_its_share() {
        let args = flags();
        let place = args
            .iter()
            .position(|arg| arg == "--conn-requests")
            .unwrap();
        assert_eq!(args[place + 1], CONNECTION);
    }

    #[test]
    fn the_stages_last_as_long_as_the_plan() {
        let args = flags();
        let stages: Vec<_> = args.iter().filter(|arg| arg.ends_with("/s")).collect();
        let wanted = [
            "1000ms:3.4/s",
            "4000ms:3.4/s",
            "1000ms:100/s",
            "19000ms:100/s",
            "1000ms:3.4/s",
            "14000ms:3.4/s",
        ];
        assert_eq!(stages, wanted.iter().collect::<Vec<_>>());
    }
}
