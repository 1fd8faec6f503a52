//! The only file that uses goose: goose does users, ramps and stopping; the requests are ours.
//!
//! Goose's own request path measures up to the first byte and drops bodies unread, so a transaction here drives
//! our client and records into our histograms; goose's metrics are off.

use std::sync::Arc;
use std::time::Duration;

use goose::GooseAttack;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionFunction};
use goose::test_plan::TestPlan;
use tokio::sync::Mutex;

use crate::pacer::pace;
use crate::plan::{Model, Plan, Schedule};
use crate::stop::Urgency;
use crate::user::{Load, User};

/// What goose reports about the run.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The most simultaneous users.
    pub maximum_users: usize,
    /// Users started in total.
    pub total_users: usize,
    /// What it did and when: action, milliseconds since 1970, users.
    pub history: Vec<(String, i64, usize)>,
    /// Its error, if it failed.
    pub error: Option<String>,
}

/// How long requests in flight may take after the load. A plan that ended waits for the later of this and the
/// request timeout; after an interruption this is the limit.
const GRACE: Duration = Duration::from_secs(5);
/// How long goose may take to notice that all users are gone; it checks twice a second.
const GOOSE_GRACE: Duration = Duration::from_secs(3);
/// How often to check whether the load has ended.
const WATCH: Duration = Duration::from_millis(20);
/// Time to start one worker of an open model. Workers cost nothing until a ticket is due.
const WORKER_START: Duration = Duration::from_millis(1);
/// Time to start all of them.
const WORKERS_START: Duration = Duration::from_secs(2);

/// Runs the load to its end, whatever ends it. An error in goose is reported, and everything measured until
/// then is kept.
pub async fn run(load: &Arc<Load>) -> Facts {
    silence_goose();
    let watch = tokio::spawn(end_with_the_plan(Arc::clone(load)));
    let pacer = matches!(load.plan.model, Model::Open { .. }).then(|| {
        let load = Arc::clone(load);
        std::thread::spawn(move || pace_once_started(&load))
    });
    let attack = async {
        let attack = Box::pin(attack(load)?.execute());
        attack.await.map_err(|error| error.to_string())
    };
    let facts = tokio::select! {
        ended = attack => match ended {
            Ok(metrics) => facts(&metrics),
            Err(error) => Facts { error: Some(error), ..Facts::default() },
        },
        () = overdue(load) => Facts::default(),
    };
    watch.abort();
    load.finish();
    if let Some(pacer) = pacer {
        // It checks every 20 ms. If it panicked, requests would be missing in the result.
        let _ = pacer.join();
        load.record_unsent();
    }
    facts
}

fn pace_once_started(load: &Load) {
    while !load.stop.is_stopping() {
        if let Some(start) = load.started.get() {
            let schedule = Schedule::new(&load.plan, load.seed);
            load.gate.open(schedule, *start);
            return pace(&load.gate, &load.stop);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Goose would log to standard output with its own logger if there were none.
fn silence_goose() {
    struct Silence;
    impl log::Log for Silence {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            false
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }
    // It fails if there is a logger already, which is fine too.
    let _ = log::set_logger(&Silence);
    log::set_max_level(log::LevelFilter::Off);
}

fn attack(load: &Arc<Load>) -> Result<GooseAttack, String> {
    let shared = Arc::clone(load);
    let drive: TransactionFunction = Arc::new(move |user| {
        let load = Arc::clone(&shared);
        Box::pin(async move {
            drive(user, &load).await;
            Ok(())
        })
    });
    let shared = Arc::clone(load);
    let start: TransactionFunction = Arc::new(move |_| {
        shared.user_started();
        Box::pin(async { Ok(()) })
    });
    let shared = Arc::clone(load);
    let stop: TransactionFunction = Arc::new(move |_| {
        shared.user_stopped();
        Box::pin(async { Ok(()) })
    });
    let scenario = Scenario::new("fib")
        .register_transaction(Transaction::new(start).set_on_start())
        .register_transaction(Transaction::new(drive))
        .register_transaction(Transaction::new(stop).set_on_stop());
    // One client that is never used, instead of one per user with its own certificates.
    let unused = GooseClientBuilder::new().without_cookies();
    GooseAttack::initialize_with_config(configuration(load.base.as_str(), &load.plan)?)
        .and_then(|attack| attack.set_client_builder_without_cookies(unused))
        .map(|attack| attack.register_scenario(scenario))
        .map_err(|error| error.to_string())
}

fn configuration(host: &str, plan: &Plan) -> Result<GooseConfiguration, String> {
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(host.to_owned());
    // By default, goose listens on 127.0.0.1:5116.
    configuration.no_telnet = true;
    configuration.no_metrics = true;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.quiet = 3;
    with_plan(
        &configuration,
        &TestPlan {
            steps: steps(plan),
            current: 0,
        },
    )
}

/// Goose's plan in milliseconds is a private field, and its text form only has whole seconds; but the
/// configuration can be serialized and deserialized with the plan.
fn with_plan(
    configuration: &GooseConfiguration,
    plan: &TestPlan,
) -> Result<GooseConfiguration, String> {
    let set = || -> serde_json::Result<GooseConfiguration> {
        let mut fields = serde_json::to_value(configuration)?;
        fields["test_plan"] = serde_json::to_value(plan)?;
        serde_json::from_value(fields)
    };
    set().map_err(|error| format!("goose does not take the plan: {error}"))
}

/// Goose's plan: users, and the milliseconds to reach them.
fn steps(plan: &Plan) -> Vec<(usize, usize)> {
    let ms = |time: Duration| usize::try_from(time.as_millis()).unwrap_or(usize::MAX);
    // Our own watch ends the run; goose's plan must not end earlier.
    let beyond = ms(plan.shape.end() + Duration::from_hours(24));
    let users = plan.users() as usize;
    match plan.model {
        Model::Open { .. } => {
            let start = (WORKER_START * plan.users()).min(WORKERS_START);
            vec![(users, ms(start)), (users, beyond)]
        }
        Model::Closed { .. } => {
            let mut steps = Vec::new();
            let mut now = 0.0;
            for piece in plan.shape.pieces() {
                if (piece.from - now).abs() > f64::EPSILON {
                    steps.push((whole(piece.from), 0));
                }
                steps.push((whole(piece.to), ms(piece.length)));
                now = piece.to;
            }
            let last = steps.last().map_or(0, |step| step.0);
            // Goose ends a plan when its last users are gone, which is when ours ends too.
            if last > 0 {
                steps.push((last, beyond));
            }
            steps
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "users are u32 by construction"
)]
fn whole(users: f64) -> usize {
    users.round() as usize
}

/// A user as goose stores it: goose requires it to be cloneable and shareable, but never does either.
#[derive(Debug, Clone)]
struct Seat(Arc<Mutex<User>>);

/// One turn of a user; goose calls it repeatedly, and checks in between whether the user should stop.
async fn drive(user: &mut GooseUser, load: &Load) {
    if user.get_session_data::<Seat>().is_none() {
        match load.new_user(user.weighted_users_index) {
            Ok(new) => user.set_session_data(Seat(Arc::new(Mutex::new(new)))),
            // The settings were checked before the load.
            Err(_) => return load.stop.reached(Urgency::Finish).await,
        }
    }
    if let Some(Seat(user)) = user.get_session_data::<Seat>() {
        user.lock().await.turn(load).await;
    }
}

/// Ends the load when the plan ends, when all its requests are done, or when it is interrupted.
async fn end_with_the_plan(load: Arc<Load>) {
    while !load.stop.is_stopping() && !load.is_over() {
        tokio::time::sleep(WATCH).await;
    }
    load.finish();
    goose::trigger_killswitch("the load is over");
    let cut_short = load.stop.was_interrupted() || load.aborted_by.get().is_some();
    let grace = if cut_short {
        GRACE
    } else {
        load.rules.client.timeout.max(GRACE)
    };
    let deadline = tokio::time::Instant::now() + grace;
    while load.in_flight() > 0 && tokio::time::Instant::now() < deadline {
        // A signal after the plan's end shortens the wait; the next turn notices it.
        tokio::time::sleep(WATCH).await;
    }
    load.stop.give_up();
}

/// Goose did not return although everything was given up: the result is more important.
async fn overdue(load: &Load) {
    load.stop.reached(Urgency::Abort).await;
    // Every way to stop also tells goose.
    goose::trigger_killswitch("given up");
    tokio::time::sleep(GOOSE_GRACE).await;
}

fn facts(metrics: &goose::metrics::GooseMetrics) -> Facts {
    let history = metrics.history.iter().map(|step| {
        (
            format!("{:?}", step.action).to_lowercase(),
            step.timestamp.timestamp_millis(),
            step.users,
        )
    });
    Facts {
        maximum_users: metrics.maximum_users,
        total_users: metrics.total_users,
        history: history.collect(),
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Wanted;

    fn stages(texts: &[&str]) -> Plan {
        let stages = texts.iter().map(|text| text.parse().unwrap()).collect();
        Plan::new(&Wanted {
            stages,
            ..Wanted::default()
        })
        .unwrap()
    }

    #[test]
    fn goose_listens_nowhere_and_prints_no_metrics() {
        let configuration = configuration("http://127.0.0.1/", &stages(&["1s:5"])).unwrap();
        assert!(
            configuration.no_telnet && configuration.no_metrics && configuration.no_print_metrics
        );
    }

    #[test]
    fn goose_takes_a_plan_in_milliseconds() {
        let configuration = configuration("http://127.0.0.1/", &stages(&["1500ms:5"])).unwrap();
        let taken = serde_json::to_value(configuration).unwrap();
        assert_eq!(taken["test_plan"]["steps"][0], serde_json::json!([5, 1500]));
    }

    #[test]
    fn a_jump_in_users_takes_goose_no_time() {
        let goose = steps(&stages(&["1s:5", "2s@20", "1s:0"]));
        assert_eq!(goose, [(5, 1000), (20, 0), (20, 2000), (0, 1000)]);
    }
}
