//! `verify`: a few values, proved, without load.

use super::{print, runtime};
use crate::args::TargetArgs;
use crate::client::{self, Counters, Sharing};
use crate::exchange::{Question, exchange};
use crate::exit::{Ending, Failure};
use crate::preflight;
use crate::settings::headers;
use crate::target::Target;

/// The smallest; both sides of 64 and 128 bits; both sides of a change in the number of digits; a large one.
const VALUES: [u32; 16] = [
    0, 1, 2, 3, 10, 46, 47, 90, 92, 93, 94, 186, 187, 1_000, 10_000, 100_000,
];

pub(super) fn verify(args: &TargetArgs) -> Result<u8, Failure> {
    let target = Target::parse(args.url(), &args.allow_host)?;
    let settings = client::Settings {
        headers: headers(&args.header)?,
        connect_timeout: args.connect_timeout,
        timeout: args.timeout,
        idle: std::time::Duration::from_secs(1),
        sharing: Sharing::User,
        target: target.clone(),
    };
    let client = settings
        .build(&Counters::default())
        .map_err(|error| Failure::internal(format!("no HTTP client can be made ({error})")))?
        .client;
    runtime(1)?.block_on(async {
        target.resolve().await?;
        preflight::check(&client, &target, VALUES[0]).await?;
        let mut wrong = false;
        for n in VALUES {
            let outcome = exchange(
                &client,
                &target.base,
                Question {
                    n,
                    prove: true,
                    close: false,
                    retry_refused: 0,
                },
            )
            .await;
            match outcome.failure {
                None => print(&format!("ok     F({n})"))?,
                Some(class) => {
                    wrong |= class.is_wrong();
                    let detail = outcome.detail.unwrap_or_default();
                    print(&format!(
                        "{:<6} F({n})  {}  {}",
                        if class.is_wrong() { "WRONG" } else { "failed" },
                        class.word(),
                        detail.escape_debug()
                    ))?;
                    if !class.is_wrong() {
                        return Err(Failure::target(format!(
                            "F({n}) could not be asked for: nothing is proved"
                        )));
                    }
                    0
                }
            };
        }
        Ok(if wrong { Ending::Wrong.code() } else { 0 })
    })
}
