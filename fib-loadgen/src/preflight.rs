//! One answer before the load: whether there is what is to be loaded at all.

use std::time::{Duration, Instant};

use crate::client::ClientSettings;
use crate::exchange::Caller;
use crate::exit::Failure;
use crate::outcome::{Class, Outcome};
use crate::request::Question;

/// How often a question whose answer got lost is asked again.
const RETRIES: u32 = 2;
/// How long before it is.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks once, on a connection of its own; again, when the answer may have got lost by chance.
pub async fn check(
    caller: &mut Caller,
    settings: &ClientSettings,
    question: &Question<'_>,
) -> Result<(), Failure> {
    let mut retries = RETRIES;
    loop {
        let Some((outcome, _)) = caller.ask(question, Instant::now()).await else {
            return Err(Failure::interrupted());
        };
        let Some(class) = outcome.failure else {
            return Ok(());
        };
        // There is a fib-server, and it is wrong: that is the run's to find out and to prove.
        if matches!(
            class,
            Class::WrongValue | Class::WrongDigits | Class::WrongCheck
        ) {
            return Ok(());
        }
        if retries == 0 || !may_pass(class) {
            return Err(Failure::target(sentence(
                settings, question, class, &outcome,
            )));
        }
        retries -= 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the next answer may well be another: one that got lost, or a server that is busy for a moment.
fn may_pass(class: Class) -> bool {
    matches!(
        class,
        Class::ConnectReset
            | Class::ConnectTimeout
            | Class::Send
            | Class::ClosedBeforeResponse
            | Class::TimeoutTotal
            | Class::BodyReset
            | Class::BodyTimeout
            | Class::Http429
            | Class::Http5xx
            | Class::Http503
    )
}

fn sentence(
    settings: &ClientSettings,
    question: &Question<'_>,
    class: Class,
    outcome: &Outcome,
) -> String {
    let detail = outcome.detail.as_deref().unwrap_or("no more is known");
    let url = &settings.target.base;
    let (what, as_whom, flag) = match question {
        Question::Fibonacci { n, .. } => (format!("F({n})"), "as a fib-server does ", "--n"),
        Question::Template(..) => (
            "the first request".to_owned(),
            "as it has to ",
            "the request",
        ),
    };
    match class {
        Class::ConnectRefused => {
            let place = match (&settings.unix_socket, &settings.proxy) {
                (Some(path), _) => format!("`{}`", path.display()),
                (None, Some(proxy)) => format!("the proxy {}", proxy.target.base),
                (None, None) => url.to_string(),
            };
            format!("nothing listens at {place}: start the server there, or give another target")
        }
        Class::Dns | Class::ConnectTimeout | Class::ConnectReset | Class::Tls | Class::Proxy => {
            format!(
                "{url} can't be reached ({}, {detail}): check the target",
                class.word()
            )
        }
        class if outcome.status.is_some() => format!(
            "{url} does not answer {what} {as_whom}({}, {}): check the target and {flag}",
            class.word(),
            detail.escape_debug()
        ),
        _ => format!(
            "{url} did not answer {what} ({}, {detail}): check the target, {flag} and --timeout",
            class.word()
        ),
    }
}
