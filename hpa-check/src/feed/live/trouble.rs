//! What can go wrong with a call to the API server, sorted by what to do about it.

use std::future::Future;
use std::time::Duration;

use kube::Client;
use kube::core::Status;
use serde::de::DeserializeOwned;

use crate::failure::root_cause;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) kind: TroubleKind,
    /// The API server's message, or the transport's.
    pub(super) message: String,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TroubleKind {
    /// 410: the version has expired; list again.
    Expired,
    /// 403: continue without it.
    Forbidden,
    /// 401: the credentials are invalid or have expired.
    Unauthorized,
    /// 404: there is no such object or API.
    NotFound,
    /// 429, or a 5xx that asks to retry later.
    Busy(Option<Duration>),
    /// No answer within our own deadline.
    Silent,
    /// Anything else: the network, the server, an answer that can't be read.
    Other,
}

/// Parts of messages, of the API server and of rustls, that have one cause, and what to do about it.
const REMEDIES: [(&str, &str); 8] = [
    (
        "system:anonymous",
        "the server took this for an anonymous request: check the user of the context in the kubeconfig, and renew its credentials",
    ),
    (
        "certificate not valid for name",
        "set `tls-server-name` of the cluster in the kubeconfig to one of these names, or `server` to an address in the certificate",
    ),
    (
        "UnknownIssuer",
        "set `certificate-authority` of the cluster in the kubeconfig to the CA that signed the server's certificate",
    ),
    (
        "certificate expired",
        "renew the server's certificate, or correct the clock of this machine",
    ),
    (
        "certificate not valid yet",
        "correct the clock of this machine",
    ),
    (
        "handshake eof",
        "check the scheme and the port of `server` in the kubeconfig: what answers there does not speak TLS, or a firewall cuts it off",
    ),
    (
        "InvalidContentType",
        "check the scheme and the port of `server` in the kubeconfig: what answers there does not speak TLS",
    ),
    (
        "failed to lookup address",
        "check the name of `server` in the kubeconfig, and whether this machine needs a VPN or a proxy to resolve it",
    ),
];

impl TroubleKind {
    /// The delay that the server asked for.
    pub(super) fn asked(self) -> Option<Duration> {
        match self {
            Self::Busy(asked) => asked,
            _ => None,
        }
    }
}

impl Trouble {
    /// What to do about it, if its message alone says that.
    pub(super) fn remedy(&self) -> Option<&'static str> {
        if self.kind == TroubleKind::Unauthorized {
            return Some("renew the credentials, or choose another --context");
        }
        let mut known = REMEDIES.iter();
        let (_, remedy) = known.find(|(words, _)| self.message.contains(words))?;
        Some(remedy)
    }

    pub(super) fn silent(after: Duration) -> Self {
        Self {
            kind: TroubleKind::Silent,
            message: format!("no answer within {} s", after.as_secs_f64()),
        }
    }

    /// From the `Status` of an answer or of an `ERROR` event in a watch.
    pub(super) fn from_status(status: &Status) -> Self {
        let asked = status
            .details
            .as_ref()
            .map(|details| details.retry_after_seconds)
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(u64::from(seconds)));
        let kind = match (status.code, status.reason.as_str()) {
            (410, _) | (_, "Expired" | "Gone") => TroubleKind::Expired,
            (401, _) => TroubleKind::Unauthorized,
            (403, _) => TroubleKind::Forbidden,
            (404, _) => TroubleKind::NotFound,
            (429 | 500.., _) => TroubleKind::Busy(asked),
            _ => TroubleKind::Other,
        };
        let message = if status.message.is_empty() {
            format!("HTTP {} {}", status.code, status.reason)
        } else {
            status.message.trim().to_owned()
        };
        Self { kind, message }
    }
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) => Self::from_status(status),
            kube::Error::SerdeError(error) => Self {
                kind: TroubleKind::Other,
                message: format!("the answer can't be understood: {error}"),
            },
            other => Self {
                kind: TroubleKind::Other,
                message: root_cause(other),
            },
        }
    }
}

/// Runs a call with a deadline of our own: the client has none for reading.
pub(super) async fn within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(deadline, call).await {
        Ok(result) => result.map_err(Trouble::from),
        Err(_) => Err(Trouble::silent(deadline)),
    }
}

/// The answer to a GET of a path, within a deadline.
pub(super) async fn get<T: DeserializeOwned>(
    client: &Client,
    path: &str,
    deadline: Duration,
) -> Result<T, Trouble> {
    let request = http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| Trouble {
            kind: TroubleKind::Other,
            message: format!("`{path}` makes no request: {error}"),
        })?;
    within(deadline, client.request(request)).await
}

/// A parser's error may span several lines.
pub(super) fn one_line(error: &impl ToString) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, reason: &str) -> Status {
        Status::failure("why", reason).with_code(code)
    }

    #[test]
    fn a_message_with_one_known_cause_says_what_to_do_and_any_other_is_left_to_the_caller() {
        let remedy = |message: &str| {
            let message = message.to_owned();
            Trouble {
                kind: TroubleKind::Other,
                message,
            }
            .remedy()
            .unwrap_or_default()
        };
        for (message, advice) in [
            (
                "forbidden: User \"system:anonymous\" cannot get path \"/api\"",
                "anonymous request",
            ),
            (
                "invalid peer certificate: UnknownIssuer",
                "`certificate-authority`",
            ),
            (
                "invalid peer certificate: certificate expired: verification time 2 (UNIX)",
                "clock",
            ),
            (
                "received corrupt message of type InvalidContentType",
                "does not speak TLS",
            ),
            (
                "failed to lookup address information: Name or service not known",
                "VPN",
            ),
        ] {
            assert!(remedy(message).contains(advice), "{message}");
        }
        assert_eq!(remedy("Connection refused (os error 111)"), "");
    }

    #[test]
    fn each_status_leads_to_its_remedy() {
        let cases = [
            (410, "Expired", TroubleKind::Expired),
            (0, "Gone", TroubleKind::Expired),
            (401, "Unauthorized", TroubleKind::Unauthorized),
            (403, "Forbidden", TroubleKind::Forbidden),
            (404, "NotFound", TroubleKind::NotFound),
            (503, "ServiceUnavailable", TroubleKind::Busy(None)),
            (500, "InternalError", TroubleKind::Busy(None)),
            (400, "BadRequest", TroubleKind::Other),
        ];
        for (code, reason, kind) in cases {
            assert_eq!(
                Trouble::from_status(&status(code, reason)).kind,
                kind,
                "{code} {reason}"
            );
        }
    }

    #[test]
    fn the_delay_that_a_busy_server_asks_for_is_kept() {
        let details = serde_json::from_value(serde_json::json!({"retryAfterSeconds": 7})).unwrap();
        let busy = status(429, "TooManyRequests").with_details(details);
        assert_eq!(
            Trouble::from_status(&busy).kind,
            TroubleKind::Busy(Some(Duration::from_secs(7)))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_ends_at_its_deadline() {
        let never = std::future::pending::<Result<(), kube::Error>>();
        let trouble = within(Duration::from_secs(10), never).await.unwrap_err();
        assert_eq!(trouble.kind, TroubleKind::Silent);
        assert_eq!(trouble.message, "no answer within 10 s");
    }
}
