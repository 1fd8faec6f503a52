//! TLS in the process: the certificate and its key from files, which are read again when they change, as
//! cert-manager and the kubelet change them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// How often the files are checked. A certificate is renewed weeks before it expires.
const LOOK: Duration = Duration::from_secs(5);

/// What TLS buffers of an answer that the client does not read.
const BUFFER: usize = 16 * 1024;

/// The files with the certificate, its key, and the authority for clients' certificates.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Files {
    /// The certificate and its intermediates, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authorities for clients' certificates, if they are required.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS is not possible, in one sentence.
#[derive(Debug)]
pub struct BadTls(String);

impl fmt::Display for BadTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadTls {}

/// The contents of the files.
#[derive(PartialEq, Eq)]
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// The TLS of one port.
pub struct Tls {
    files: Files,
    now: RwLock<(Contents, TlsAcceptor)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// If one of them can't be read, or the key does not match the certificate.
    pub fn load(files: Files) -> Result<Self, BadTls> {
        let contents = Contents::read(&files)?;
        let acceptor = contents.acceptor(&files)?;
        Ok(Self {
            files,
            now: RwLock::new((contents, acceptor)),
        })
    }

    /// Performs the handshake with a client.
    pub(crate) async fn accept<S>(&self, io: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = self
            .now
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .clone();
        let mut stream = acceptor.accept(io).await?;
        stream.get_mut().1.set_buffer_limit(Some(BUFFER));
        Ok(stream)
    }

    /// Checks the files periodically, and loads what changed. Existing connections keep what they started with.
    /// Files that are half written, or do not match, are tried again.
    pub(crate) async fn follow_the_files(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.reload() {
                Ok(true) => tracing::info!("the TLS certificate was reloaded"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "the TLS certificate could not be reloaded and stays in use");
                }
            }
        }
    }

    /// Reloads the files; returns whether anything changed.
    pub(crate) fn reload(&self) -> Result<bool, BadTls> {
        let contents = Contents::read(&self.files)?;
        if self.now.read().unwrap_or_else(PoisonError::into_inner).0 == contents {
            return Ok(false);
        }
        let acceptor = contents.acceptor(&self.files)?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (contents, acceptor);
        Ok(true)
    }
}

impl Contents {
    fn read(files: &Files) -> Result<Self, BadTls> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|e| {
                BadTls(format!(
                    "the TLS file {} can't be read: {e}",
                    path.display()
                ))
            })
        };
        Ok(Self {
            cert: read(&files.cert)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_deref().map(read).transpose()?,
        })
    }

    fn acceptor(&self, files: &Files) -> Result<TlsAcceptor, BadTls> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&self.cert, &files.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|e| wrong(&files.key, &format!("it contains no PEM private key ({e})")))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| BadTls(format!("TLS can't be set up: {e}")))?;
        let builder = match (&self.client_ca, &files.client_ca) {
            (Some(pem), Some(path)) => {
                let mut roots = RootCertStore::empty();
                for authority in certificates(pem, path)? {
                    roots
                        .add(authority)
                        .map_err(|e| wrong(path, &e.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                    .build()
                    .map_err(|e| wrong(path, &e.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|e| {
            wrong(
                &files.cert,
                &format!("{e}; it must match {}", files.key.display()),
            )
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(wrong(path, "it contains no PEM certificate")),
        Err(e) => Err(wrong(
            path,
            &format!("it contains no PEM certificate ({e})"),
        )),
    }
}

fn wrong(path: &Path, how: &str) -> BadTls {
    BadTls(format!(
        "the TLS file {} can't be used: {how}",
        path.display()
    ))
}
