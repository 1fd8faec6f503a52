//! One proved answer before the load: whether there is a fib-server at all.

use reqwest::Client;

use crate::exchange::{Question, exchange};
use crate::exit::Failure;
use crate::outcome::{Class, Outcome};
use crate::target::Target;

/// Asks for `n` once, on a connection of its own.
pub async fn check(client: &Client, target: &Target, n: u32) -> Result<(), Failure> {
    let outcome = exchange(
        client,
        &target.base,
        Question {
            n,
            prove: true,
            close: true,
            retry_refused: 0,
        },
    )
    .await;
    match outcome.failure {
        None => Ok(()),
        // There is a fib-server, and it is wrong: that is the run's to find out and to prove.
        Some(Class::WrongValue | Class::WrongDigits) => Ok(()),
        Some(class) => Err(Failure::target(sentence(target, n, class, &outcome))),
    }
}

fn sentence(target: &Target, n: u32, class: Class, outcome: &Outcome) -> String {
    let detail = outcome.detail.as_deref().unwrap_or("no more is known");
    let url = &target.base;
    match class {
        Class::ConnectRefused => {
            format!("nothing listens at {url}: start fib-server there, or give another target")
        }
        Class::Dns | Class::ConnectTimeout | Class::ConnectReset | Class::Tls => {
            format!(
                "{url} can't be reached ({}, {detail}): check the target",
                class.word()
            )
        }
        class if outcome.status.is_some() => format!(
            "{url} does not answer F({n}) as a fib-server does ({}, {}): check the target and --n",
            class.word(),
            detail.escape_debug()
        ),
        _ => format!(
            "{url} did not answer F({n}) ({}, {detail}): check the target, --n and --timeout",
            class.word()
        ),
    }
}
