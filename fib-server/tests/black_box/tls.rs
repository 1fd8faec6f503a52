//! TLS on the main port: both protocols, renewal without a lost request, and client certificates.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fib_server::args::Settings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::{are_cut_off, get};
use crate::server::{Server, settings};

/// A CA, and the files it has signed.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes a new certificate for `localhost` to the server's files.
    fn renew(&self, folder: &Path) -> CertificateDer<'static> {
        let (cert, key) = self.sign();
        // As a kubelet does: the key may be replaced before the certificate.
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
        cert.der().clone()
    }

    fn sign(&self) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A client that trusts this CA, with or without a certificate of its own.
    fn client(&self, with_certificate: bool, protocol: &[u8]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = if with_certificate {
            let (cert, key) = self.sign();
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            builder
                .with_client_auth_cert(vec![cert.der().clone()], key)
                .unwrap()
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

fn server(folder: &Path, with_client_ca: bool) -> Server {
    Server::start(Settings {
        tls_cert: Some(folder.join("cert.pem")),
        tls_key: Some(folder.join("key.pem")),
        tls_client_ca: with_client_ca.then(|| folder.join("ca.pem")),
        ..settings()
    })
}

/// One request over HTTP/1.1: its answer, and the server's certificate.
async fn ask(
    client: &TlsConnector,
    server: SocketAddr,
) -> std::io::Result<(String, CertificateDer<'static>)> {
    let stream = TcpStream::connect(server).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = client.connect(name, stream).await?;
    let request = b"GET /get?n=90 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    Ok((answer, shown.into_owned()))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn both_protocols_are_served_over_tls_and_probes_stay_plain() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.renew(folder.path());
    let server = server(folder.path(), false);
    runtime().block_on(async {
        let (answer, _) = ask(&authority.client(false, b"http/1.1"), server.address)
            .await
            .unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("2880067194370816120"),
            "{answer}"
        );
        let stream = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = authority.client(false, b"h2").connect(name, stream);
        let (mut requests, connection) =
            h2::client::handshake(stream.await.unwrap()).await.unwrap();
        let driver = tokio::spawn(connection);
        let request = http::Request::get("https://localhost/get?n=10").body(());
        let (answer, _) = requests.send_request(request.unwrap(), true).unwrap();
        assert_eq!(answer.await.unwrap().status(), 200);
        driver.abort();
    });
    assert_eq!(get(server.admin, "/livez").status, 200);
}

#[test]
fn a_renewed_certificate_is_used_without_a_lost_request() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let old = authority.renew(folder.path());
    let server = server(folder.path(), false);
    let client = authority.client(false, b"http/1.1");
    runtime().block_on(async {
        assert_eq!(ask(&client, server.address).await.unwrap().1, old);
        let new = authority.renew(folder.path());
        let begun = Instant::now();
        loop {
            let (answer, shown) = ask(&client, server.address).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            if shown == new {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "never shown");
        }
    });
}

#[test]
fn a_client_without_a_certificate_is_refused_if_one_is_required() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.renew(folder.path());
    std::fs::write(folder.path().join("ca.pem"), authority.0.pem()).unwrap();
    let server = server(folder.path(), true);
    runtime().block_on(async {
        let without = ask(&authority.client(false, b"http/1.1"), server.address).await;
        assert!(without.is_err(), "{without:?}");
        let with = ask(&authority.client(true, b"http/1.1"), server.address).await;
        assert!(with.unwrap().0.starts_with("HTTP/1.1 200 OK\r\n"));
    });
}

#[test]
fn an_incomplete_handshake_is_cut_off_within_ten_seconds() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.renew(folder.path());
    let server = server(folder.path(), false);
    // An idle connection stays for two minutes.
    are_cut_off([&b""[..], b"\x16\x03\x01\x02\0\x01"].map(|bytes| (server.address, bytes)));
    server.wait_for_metric(r#"fib_connections_cut_total{reason="incomplete"} 2"#);
}
