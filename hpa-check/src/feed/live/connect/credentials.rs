//! Certificates, keys and exec plugins of the kubeconfig. Errors name the field that is wrong.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::client::{AuthError, RustlsTlsError};
use kube::config::KubeconfigError;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::super::trouble::one_line;
use super::kubeconfig::Chosen;

/// The certificate authorities for the server's certificate; `None` uses the system's. The error is one
/// sentence.
pub(super) fn authorities(chosen: &Chosen) -> Result<Option<Vec<Vec<u8>>>, String> {
    let field = Field {
        of: ("cluster", &chosen.cluster_name),
        name: "certificate-authority",
        data: chosen.cluster.certificate_authority_data.as_deref(),
        file: chosen.cluster.certificate_authority.as_deref(),
    };
    let Some(pem) = field.read()? else {
        return Ok(None);
    };
    certificates(&pem)
        .map(Some)
        .map_err(|error| field.wrong(&error))
}

/// Why the client could not be made with these credentials, in one sentence.
pub(super) fn explain(error: &kube::Error, chosen: &Chosen) -> String {
    match error {
        kube::Error::Auth(error) => exec(error, chosen),
        kube::Error::InferKubeconfig(error) => kubeconfig(error, chosen),
        kube::Error::RustlsTls(error) => tls(error, chosen),
        other => one_line(other),
    }
}

/// The error of an exec plugin.
fn exec(error: &AuthError, chosen: &Chosen) -> String {
    let exec = chosen.user.exec.as_ref();
    let command = exec.and_then(|exec| exec.command.as_deref()).unwrap_or("?");
    let plugin = format!(
        "the exec plugin `{command}` of the user `{}`",
        chosen.user_name
    );
    let hint = exec.and_then(|exec| exec.install_hint.as_deref());
    match error {
        AuthError::AuthExecStart(error) => {
            let hint = hint.map_or_else(
                || "install it, or put its folder on PATH".to_owned(),
                |hint| hint.split_whitespace().collect::<Vec<_>>().join(" "),
            );
            format!("{plugin} can't be started: {error}; {hint}")
        }
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty());
            let last = last.map_or_else(
                || "see its output above".to_owned(),
                |line| format!("it says: {}", line.trim()),
            );
            format!("{plugin} failed ({}); {last}", out.status)
        }
        AuthError::MissingCommand => {
            format!("{plugin} has no command: set users[].user.exec.command")
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => format!(
            "{plugin} did not print an ExecCredential ({}): run it by hand and look at its output",
            one_line(error)
        ),
        other if exec.is_some() => format!("{plugin} can't be used: {}", one_line(other)),
        other => format!(
            "the credentials of the user `{}` can't be used: {}; {}",
            chosen.user_name,
            one_line(other),
            again(chosen)
        ),
    }
}

/// How to get credentials again. kubectl dropped the auth providers of clouds in 1.26.
fn again(chosen: &Chosen) -> &'static str {
    let provider = chosen.user.auth_provider.as_ref();
    match provider.map(|provider| provider.name.as_str()) {
        Some("gcp") => {
            "its auth-provider is no longer supported: run `gcloud container clusters get-credentials` again, which writes an exec plugin"
        }
        Some("azure") => {
            "its auth-provider is no longer supported: run `kubelogin convert-kubeconfig`, which writes an exec plugin"
        }
        _ => "log in again, or choose another --context",
    }
}

fn kubeconfig(error: &KubeconfigError, chosen: &Chosen) -> String {
    match error {
        KubeconfigError::LoadClientCertificate(error) => {
            certificate(chosen).wrong(&one_line(error))
        }
        KubeconfigError::LoadClientKey(error) => key(chosen).wrong(&one_line(error)),
        other => one_line(other),
    }
}

fn tls(error: &RustlsTlsError, chosen: &Chosen) -> String {
    let error_text = one_line(error);
    match error {
        RustlsTlsError::MissingCertificate => {
            certificate(chosen).wrong("it contains no PEM certificate")
        }
        RustlsTlsError::MissingPrivateKey | RustlsTlsError::UnknownPrivateKeyFormat => {
            key(chosen).wrong("it contains no PEM private key in PKCS#8, PKCS#1 or SEC1")
        }
        RustlsTlsError::InvalidIdentityPem(_) => match certificate(chosen).read() {
            Ok(Some(pem)) => match certificates(&pem) {
                Ok(_) => key(chosen).wrong(&error_text),
                Err(error) => certificate(chosen).wrong(&error),
            },
            _ => certificate(chosen).wrong(&error_text),
        },
        RustlsTlsError::InvalidPrivateKey(error) => match error {
            rustls::Error::InconsistentKeys(_) => key(chosen).wrong(&format!(
                "it is not the key for {}",
                certificate(chosen).place()
            )),
            rustls::Error::InvalidCertificate(error) => certificate(chosen).wrong(&format!(
                "it is not an X.509 version 3 certificate that this program reads ({error:?})"
            )),
            other => key(chosen).wrong(&one_line(other)),
        },
        RustlsTlsError::AddRootCertificate(error) => Field {
            of: ("cluster", &chosen.cluster_name),
            name: "certificate-authority",
            data: chosen.cluster.certificate_authority_data.as_deref(),
            file: chosen.cluster.certificate_authority.as_deref(),
        }
        .wrong(&one_line(error)),
        RustlsTlsError::InvalidServerName(error) => format!(
            "`tls-server-name` of the cluster `{}` is not a name or an address: {error}",
            chosen.cluster_name
        ),
        RustlsTlsError::NoValidNativeRootCA(_) => error_text,
    }
}

fn certificate(chosen: &Chosen) -> Field<'_> {
    Field {
        of: ("user", &chosen.user_name),
        name: "client-certificate",
        data: chosen.user.client_certificate_data.as_deref(),
        file: chosen.user.client_certificate.as_deref(),
    }
}

/// The key itself is not read; only its place is shown.
fn key(chosen: &Chosen) -> Field<'_> {
    Field {
        of: ("user", &chosen.user_name),
        name: "client-key",
        data: chosen.user.client_key_data.as_ref().map(|_| ""),
        file: chosen.user.client_key.as_deref(),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| certificate.map(|c| c.as_ref().to_vec()))
        .collect();
    let read = read.map_err(|error| format!("it is not PEM: {error}"))?;
    if read.is_empty() {
        return Err("it contains no PEM certificate".to_owned());
    }
    Ok(read)
}

/// A field that is either in the kubeconfig as base64, or in a file of its own.
struct Field<'a> {
    of: (&'static str, &'a str),
    name: &'static str,
    data: Option<&'a str>,
    file: Option<&'a str>,
}

impl Field<'_> {
    fn place(&self) -> String {
        let (kind, owner) = self.of;
        let name = self.name;
        match (self.data, self.file) {
            (None, Some(file)) => format!("`{name}` of the {kind} `{owner}` ({file})"),
            _ => format!("`{name}-data` of the {kind} `{owner}`"),
        }
    }

    fn wrong(&self, why: &str) -> String {
        format!("{} can't be used: {why}", self.place())
    }

    /// Data takes precedence over the file, as in kubectl.
    fn read(&self) -> Result<Option<Vec<u8>>, String> {
        match (self.data.filter(|data| !data.is_empty()), self.file) {
            (Some(data), _) => STANDARD
                .decode(data.split_whitespace().collect::<String>())
                .map(Some)
                .map_err(|error| self.wrong(&format!("it is not base64: {error}"))),
            (None, Some(file)) if !file.is_empty() => std::fs::read(Path::new(file))
                .map(Some)
                .map_err(|error| self.wrong(&error.to_string())),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::Config;
    use kube::client::ClientBuilder;
    use kube::config::{AuthInfo, Cluster};

    use super::*;

    fn chosen(user: AuthInfo, cluster: Cluster) -> Chosen {
        Chosen {
            cluster_name: "prod".into(),
            cluster,
            user_name: "me".into(),
            user,
            namespace: None,
        }
    }

    /// The message about a user's certificate and key.
    fn said(certificate: &str, key: &str) -> String {
        let user = serde_json::json!({
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(key),
        });
        let chosen = chosen(serde_json::from_value(user).unwrap(), Cluster::default());
        let mut config = Config::new("https://127.0.0.1:1".parse().unwrap());
        config.auth_info = chosen.user.clone();
        let error = ClientBuilder::try_from(config).err().unwrap();
        explain(&error, &chosen)
    }

    const NOT_DER: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const NO_KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    #[tokio::test]
    async fn a_certificate_or_key_that_rustls_rejects_is_named_with_its_field() {
        let text = said("hello", NO_KEY);
        assert!(
            text.contains("`client-certificate-data` of the user `me`"),
            "{text}"
        );
        let text = said(NOT_DER, "hello");
        assert!(
            text.contains("`client-key-data` of the user `me`"),
            "{text}"
        );
        let text = said(NOT_DER, NO_KEY);
        assert!(
            text.contains("`client-key-data` of the user `me`"),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn unreadable_certificate_authorities_are_named_with_their_field() {
        let of = |cluster: serde_json::Value| {
            let cluster = serde_json::from_value(cluster).unwrap();
            authorities(&chosen(AuthInfo::default(), cluster))
        };
        let field = "`certificate-authority-data` of the cluster `prod`";
        for data in ["%", &STANDARD.encode("no PEM")] {
            let error = of(serde_json::json!({"certificate-authority-data": data})).unwrap_err();
            assert!(error.contains(field), "{error}");
        }
        let gone = serde_json::json!({"certificate-authority": "/gone/ca.crt"});
        let error = of(gone).unwrap_err();
        assert!(error.contains("(/gone/ca.crt)"), "{error}");
        let good = serde_json::json!({"certificate-authority-data": STANDARD.encode(NOT_DER)});
        assert_eq!(of(good).unwrap(), Some(vec![vec![0, 0, 0]]));
        assert_eq!(of(serde_json::json!({})).unwrap(), None);
    }
}
