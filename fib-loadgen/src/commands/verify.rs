//! `verify`: verifies a few values, without load.

use std::sync::Arc;
use std::time::Instant;

use super::{print, runtime};
use crate::args::TargetArgs;
use crate::chance;
use crate::client::{Connector, Counters, Life};
use crate::exchange::{Caller, Rules};
use crate::exit::{Ending, Failure};
use crate::oracle::Field;
use crate::preflight;
use crate::request::Question;
use crate::settings::{ask_for_json, connection};
use crate::stop::Stop;

/// The smallest values, both sides of 64 and 128 bits, both sides of a change in the number of digits, and a
/// large one.
const VALUES: [u32; 16] = [
    0, 1, 2, 3, 10, 46, 47, 90, 92, 93, 94, 186, 187, 1_000, 10_000, 100_000,
];

pub(super) fn verify(args: &TargetArgs) -> Result<u8, Failure> {
    let mut client = connection(args, &args.url())?;
    ask_for_json(&mut client);
    if client.target.path.is_some() {
        return Err(Failure::usage(
            "the target has a path: give the base URL of a fib-server",
        ));
    }
    let connector =
        Connector::new(&client, &Arc::new(Counters::default())).map_err(Failure::usage)?;
    let connector = Arc::new(connector);
    let rules = Arc::new(Rules {
        client,
        life: Life::default(),
        seed: 0,
        retry_refused: 0,
        field: Field::drawn(chance::entropy()),
        checks: Vec::new(),
        cookies: false,
    });
    let stop = Arc::new(Stop::default());
    let mut caller = Caller::new(&rules, &connector, None, &stop, 0).map_err(Failure::usage)?;
    runtime(1)?.block_on(prove(&mut caller, &rules))
}

async fn prove(caller: &mut Caller, rules: &Rules) -> Result<u8, Failure> {
    let question = |n| Question::Fibonacci { n, prove: true };
    preflight::check(caller, &rules.client, &question(VALUES[0])).await?;
    let mut wrong = false;
    for n in VALUES {
        let Some((outcome, _)) = caller.ask(&question(n), Instant::now()).await else {
            return Err(Failure::interrupted());
        };
        let Some(class) = outcome.failure else {
            print(&format!("ok     F({n})"))?;
            continue;
        };
        wrong |= class.is_wrong();
        let word = if class.is_wrong() { "WRONG" } else { "failed" };
        let detail = outcome.detail.unwrap_or_default();
        print(&format!(
            "{word:<6} F({n})  {}  {}",
            class.word(),
            detail.escape_debug()
        ))?;
        if !class.is_wrong() {
            return Err(Failure::target(format!(
                "F({n}) could not be requested: nothing was verified"
            )));
        }
    }
    Ok(if wrong { Ending::Wrong.code() } else { 0 })
}
