//! Requests one answer before the load, to check that the target works at all.

use std::time::{Duration, Instant};

use crate::client::ClientSettings;
use crate::exchange::Caller;
use crate::exit::Failure;
use crate::outcome::{Class, Outcome};
use crate::request::Question;

/// How often a lost request is repeated.
const RETRIES: u32 = 2;
/// The pause before that.
const PAUSE: Duration = Duration::from_millis(200);

/// Requests once, on a connection of its own; repeats if the answer may have been lost by chance.
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
        // There is a fib-server and it is wrong: the run will find and prove that.
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

/// Whether the next answer may differ: one was lost, or a server was briefly busy.
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
        Question::Template(..) => ("the first request".to_owned(), "as it must ", "the request"),
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
        // The detail says what to do.
        Class::Tls => format!("{url} can't be reached: {detail}"),
        Class::Dns | Class::ConnectTimeout | Class::ConnectReset | Class::Proxy => {
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
