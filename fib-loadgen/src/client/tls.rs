//! TLS: which certificates to trust, our own certificate, and the versions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::kinds::HttpVersion;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum TlsVersion {
    /// TLS 1.2
    #[value(name = "1.2")]
    Two,
    /// TLS 1.3
    #[value(name = "1.3")]
    Three,
}

/// The TLS settings from the command line.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Certificates (PEM) to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its chain (PEM).
    pub certificate: Option<PathBuf>,
    /// Its key (PEM); `None` if it is in the same file.
    pub key: Option<PathBuf>,
    /// The expected name in the server's certificate, if not the host's.
    pub server_name: Option<String>,
    /// The lowest version.
    pub lowest: Option<TlsVersion>,
    /// The highest version.
    pub highest: Option<TlsVersion>,
    /// Whether any certificate is accepted.
    pub insecure: bool,
    /// Whether each connection makes a full handshake, even if its user has a session to resume.
    pub full_handshakes: bool,
}

impl TlsSettings {
    /// The name that the server must prove.
    pub(super) fn name(&self, host: &str) -> Result<ServerName<'static>, String> {
        let name = self.server_name.as_deref().unwrap_or(host);
        ServerName::try_from(name.to_owned()).map_err(|_| {
            format!("`{name}` can't be the name of a TLS server: give a DNS name or an IP address")
        })
    }

    /// The settings in rustls' form.
    pub(super) fn config(&self, http: HttpVersion) -> Result<Arc<ClientConfig>, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let wanted = |version: TlsVersion| {
            self.lowest.is_none_or(|lowest| version >= lowest)
                && self.highest.is_none_or(|highest| version <= highest)
        };
        let versions: Vec<_> = [
            (TlsVersion::Two, &rustls::version::TLS12),
            (TlsVersion::Three, &rustls::version::TLS13),
        ]
        .into_iter()
        .filter_map(|(version, known)| wanted(version).then_some(known))
        .collect();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|_| "--tls-min is above --tls-max: swap them".to_owned())?;
        let builder = if self.insecure {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let key = self.key.as_deref().unwrap_or(path);
                builder
                    .with_client_auth_cert(certificates(path)?, private_key(key)?)
                    .map_err(|error| {
                        format!(
                            "the certificate in `{}` and the key in `{}` can't be used ({error}): give a pair that belongs together",
                            path.display(),
                            key.display()
                        )
                    })?
            }
        };
        config.alpn_protocols = match http {
            HttpVersion::One => vec![b"http/1.1".to_vec()],
            HttpVersion::Two => vec![b"h2".to_vec()],
            HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// The TLS of one client with its own sessions. Clients that resumed each other's sessions would spare the
    /// server most handshakes of a real crowd.
    pub(super) fn of_one_client(&self, config: &ClientConfig) -> TlsConnector {
        let mut own = config.clone();
        if !self.full_handshakes {
            own.resumption = Resumption::in_memory_sessions(1);
        }
        Arc::new(own).into()
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let (found, from) = match &self.ca {
            Some(path) => (certificates(path)?, path.display().to_string()),
            None => (
                rustls_native_certs::load_native_certs().certs,
                "this system".to_owned(),
            ),
        };
        let (added, _) = roots.add_parsable_certificates(found);
        if added == 0 {
            return Err(format!(
                "no certificate to trust was found in {from}: give the server's CA with --cacert"
            ));
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(path, "certificate", &error))?;
    if read.is_empty() {
        return Err(format!(
            "`{}` holds no certificate: give a PEM file with one",
            path.display()
        ));
    }
    Ok(read)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(path, "private key", &error))
}

fn unreadable(path: &Path, what: &str, error: &rustls::pki_types::pem::Error) -> String {
    format!(
        "the {what} in `{}` can't be read ({error}): give a PEM file with one",
        path.display()
    )
}

/// Accepts any certificate, but still checks that the server has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
