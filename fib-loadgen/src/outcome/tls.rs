//! What went wrong with TLS, and what to do about it, in one sentence.

use std::io::Error;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};

/// What an error of a connection means; `None` if it has nothing to do with TLS.
pub fn described(error: &Error) -> Option<String> {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(tls) => Some(advice(tls)),
        // rustls has no other error for this.
        None if error.to_string().contains("close_notify") => Some(CUT_OFF.to_owned()),
        None => None,
    }
}

/// What went wrong, and what to do.
fn advice(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(why) => certificate(why),
        rustls::Error::AlertReceived(alert) => of_alert(*alert),
        rustls::Error::InvalidMessage(_) => {
            "the server's answer is not TLS: write http:// if it has none, or give the port that has it"
                .to_owned()
        }
        rustls::Error::PeerIncompatible(why) => format!(
            "the server and these settings have no TLS version or cipher in common ({why:?}): omit --tls-min and --tls-max, and let the server offer TLS 1.2 or 1.3"
        ),
        rustls::Error::NoApplicationProtocol => no_protocol(),
        other => format!("{other}: check the server's TLS settings"),
    }
}

/// The server closed the connection instead of finishing the handshake.
pub const CLOSED: &str = "the server closed the connection during the TLS handshake: give the port that has TLS, and see the server's log for what it expects";

/// The server chose another version of HTTP than the only one allowed.
pub const NO_HTTP2: &str = "the server speaks no HTTP/2: use --http auto, or enable it there";

/// The connection ended without the message that says so.
const CUT_OFF: &str = "the server ended the TLS connection in the middle, without close_notify";

fn no_protocol() -> String {
    "the server speaks none of the offered versions of HTTP: use --http auto".to_owned()
}

fn certificate(why: &CertificateError) -> String {
    let (what, advice) = match why {
        CertificateError::Expired => (
            "the server's certificate has expired".to_owned(),
            "renew it, or use --insecure",
        ),
        CertificateError::ExpiredContext { time, not_after } => (
            format!(
                "the server's certificate expired at {}, and here it is {}",
                utc(*not_after),
                utc(*time)
            ),
            "renew it, or use --insecure",
        ),
        CertificateError::NotValidYet => (
            "the server's certificate is not valid yet".to_owned(),
            "compare the clocks, or use --insecure",
        ),
        CertificateError::NotValidYetContext { time, not_before } => (
            format!(
                "the server's certificate is valid from {}, and here it is {}",
                utc(*not_before),
                utc(*time)
            ),
            "compare the clocks, or use --insecure",
        ),
        CertificateError::NotValidForName => (
            "the server's certificate is for another name".to_owned(),
            "give a name in it with --server-name",
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => (
            format!(
                "the server's certificate is for {} and not for {}",
                names(presented),
                expected.to_str()
            ),
            "give a name in it with --server-name, or a server that has this one",
        ),
        CertificateError::UnknownIssuer => (
            "no trusted CA issued the server's certificate, or the server does not send the certificates in between"
                .to_owned(),
            "give its CA with --cacert, or use --insecure",
        ),
        CertificateError::BadSignature => (
            "the server's certificate is not signed by the trusted CA of that name".to_owned(),
            "give its CA with --cacert, or use --insecure",
        ),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            "the server's certificate is that of a CA, as self-signed ones often are".to_owned(),
            "give the server one that a CA issued, or use --insecure",
        ),
        other => (
            format!("the server's certificate is not accepted ({other})"),
            "replace it, or use --insecure",
        ),
    };
    format!("{what}: {advice}")
}

/// What the server says when it ends a connection (RFC 8446, section 6.2).
fn of_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the server requires a client certificate: give one with --cert and --key".to_owned()
        }
        AlertDescription::CertificateExpired => {
            "the server says that the client certificate has expired: give a valid one with --cert and --key, or compare the clocks"
                .to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => format!(
            "the server does not accept the client certificate, or requires one ({alert:?}): give one that it accepts with --cert and --key"
        ),
        AlertDescription::ProtocolVersion => {
            "the server speaks none of the offered TLS versions: omit --tls-min and --tls-max, and let the server offer TLS 1.2 or 1.3"
                .to_owned()
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => format!(
            "the server accepts none of the offered ciphers, or requires a client certificate ({alert:?}): omit --tls-max, or give a certificate with --cert and --key"
        ),
        AlertDescription::NoApplicationProtocol => no_protocol(),
        AlertDescription::UnrecognisedName => {
            "the server has no host of this name: give a name that it has with --server-name"
                .to_owned()
        }
        other => format!("the server ended TLS with the alert {other:?}: see its log for the reason"),
    }
}

/// The names in a certificate, which come as `DnsName("shop.svc")`.
fn names(presented: &[String]) -> String {
    let name = |shown: &String| {
        let of_kind = |kind: &str| shown.strip_prefix(kind)?.strip_suffix(')');
        let name = of_kind("DnsName(").or_else(|| of_kind("IpAddress("));
        name.map(|name| name.replace('"', ""))
    };
    let names: Vec<String> = presented.iter().filter_map(name).collect();
    if names.is_empty() {
        return "no host".to_owned();
    }
    names.join(", ")
}

fn utc(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| format!("{} s", time.as_secs()), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_people_write_them() {
        let all = ["DnsName(\"shop.svc\")", "IpAddress(127.0.0.1)"].map(str::to_owned);
        assert_eq!(names(&all), "shop.svc, 127.0.0.1");
        assert_eq!(names(&["Unsupported(0x01)".to_owned()]), "no host");
    }

    #[test]
    fn every_alert_says_what_to_do() {
        for alert in 0..=u8::MAX {
            let text = of_alert(alert.into());
            assert!(text.contains(": "), "{text}");
        }
    }
}
