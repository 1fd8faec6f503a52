//! Servers whose TLS is wrong or unusual, and what the program says about them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use fib_loadgen::client::{ClientSettings, Connector, Counters, Life, Sharing};
use fib_loadgen::exchange::{Caller, Rules};
use fib_loadgen::oracle::Field;
use fib_loadgen::request::Question;
use fib_loadgen::stop::Stop;
use fib_loadgen::target::Target;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::odd_server::{body, response};
use crate::program::Ended;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Certificates in a folder, all issued by one CA.
struct Certificates {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Certificates {
    fn new() -> Self {
        Self::of_ca("CA")
    }

    fn of_ca(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        // A CA's own certificate, used as that of a server.
        let own = [authority.pem(), authority.key().serialize_pem()].concat();
        std::fs::write(folder.path().join("self.pem"), own).unwrap();
        Self { folder, authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate with its key, valid in these years.
    fn issue(&self, name: &str, host: &str, years: (i32, i32)) -> PathBuf {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let signed = params.signed_by(&key, &self.authority).unwrap();
        let path = self.path(name);
        std::fs::write(&path, [signed.pem(), key.serialize_pem()].concat()).unwrap();
        path
    }
}

/// A server with this certificate that answers F(90) to everything, and its address.
fn server(
    certificate: &Path,
    clients: Option<&Path>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_file(ca).unwrap())
                .unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                provider,
            );
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificate).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            std::thread::spawn(move || {
                let mut stream = StreamOwned::new(session, stream);
                let right = response("200 OK", "application/json", &body(90));
                while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                    if stream.write_all(right.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn ask(address: SocketAddr, flags: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
        .arg(format!("https://localhost:{}", address.port()))
        .args([
            "--resolve",
            &format!("localhost:{}:127.0.0.1", address.port()),
        ])
        .args("--users 1 --requests 3 --n 90 --ui none -o json=-".split(' '))
        .args(flags)
        .env_remove("FIB_TARGET")
        .output()
        .unwrap();
    Ended::new(&output)
}

#[test]
fn a_certificate_that_is_not_accepted_is_explained_with_what_to_do() {
    let certificates = Certificates::new();
    let (other, namesake) = (Certificates::of_ca("other CA"), Certificates::new());
    let ca = certificates.path("ca.pem");
    let good = certificates.issue("good.pem", "localhost", (2020, 2090));
    let cases = [
        (good.clone(), &ca, None),
        (
            certificates.issue("expired.pem", "localhost", (2020, 2021)),
            &ca,
            Some([
                "expired at 2021-01-01T00:00:00Z",
                ": renew it, or use --insecure",
            ]),
        ),
        (
            certificates.issue("future.pem", "localhost", (2080, 2090)),
            &ca,
            Some(["valid from 2080-01-01T00:00:00Z", ": compare the clocks"]),
        ),
        (
            certificates.issue("wrong.pem", "shop.example", (2020, 2090)),
            &ca,
            Some(["for shop.example and not for localhost", "--server-name"]),
        ),
        (
            certificates.path("self.pem"),
            &ca,
            Some(["that of a CA", ": give the server one"]),
        ),
        (
            good.clone(),
            &other.path("ca.pem"),
            Some(["no trusted CA", ": give its CA with --cacert"]),
        ),
        (
            good,
            &namesake.path("ca.pem"),
            Some([
                "not signed by the trusted CA of that name",
                ": give its CA with --cacert",
            ]),
        ),
    ];
    for (certificate, ca, expected) in cases {
        let address = server(&certificate, None, rustls::ALL_VERSIONS);
        let ended = ask(address, &["--cacert", ca.to_str().unwrap()]);
        let Some(expected) = expected else {
            assert_eq!((ended.code, ended.total("ok")), (0, 3), "{}", ended.stderr);
            continue;
        };
        assert_eq!(ended.code, 90, "{}", ended.stderr);
        for part in expected {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_server_that_refuses_the_client_is_explained_with_what_to_do() {
    let certificates = Certificates::new();
    let good = certificates.issue("good.pem", "localhost", (2020, 2090));
    let (client, expired) = (
        certificates.issue("client.pem", "client", (2020, 2090)),
        certificates.issue("old.pem", "client", (2020, 2021)),
    );
    let ca = certificates.path("ca.pem");
    let (ca, client, expired) = (
        ca.to_str().unwrap(),
        client.to_str().unwrap(),
        expired.to_str().unwrap(),
    );
    let cases: [(
        &[&str],
        &[&'static rustls::SupportedProtocolVersion],
        Option<&str>,
    ); 5] = [
        (&["--cert", client], rustls::ALL_VERSIONS, None),
        (
            &[],
            rustls::ALL_VERSIONS,
            Some("requires a client certificate: give one with --cert"),
        ),
        (
            &["--tls-max", "1.2"],
            rustls::ALL_VERSIONS,
            Some("client certificate"),
        ),
        (
            &["--cert", expired],
            rustls::ALL_VERSIONS,
            Some("client certificate has expired: give"),
        ),
        (
            &["--cert", client, "--tls-min", "1.3"],
            &[&rustls::version::TLS12],
            Some("none of the offered TLS versions: omit --tls-min"),
        ),
    ];
    for (flags, versions, expected) in cases {
        let address = server(&good, Some(Path::new(ca)), versions);
        let ended = ask(address, &[&["--cacert", ca], flags].concat());
        let code = if expected.is_some() { 90 } else { 0 };
        assert_eq!(ended.code, code, "{flags:?} {}", ended.stderr);
        let expected = expected.unwrap_or_default();
        assert!(
            ended.stderr.contains(expected),
            "{flags:?} {}",
            ended.stderr
        );
    }
}

#[test]
fn a_connection_that_ends_without_close_notify_is_named_so() {
    let certificates = Certificates::new();
    let good = certificates.issue("good.pem", "localhost", (2020, 2090));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let chain = vec![CertificateDer::from_pem_file(&good).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&good).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(session, stream);
            let _ = stream.read(&mut [0; 4096]);
            // Without a length, only the end of the connection ends the body.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello");
            let _ = stream.flush();
        }
    });
    let ca = certificates.path("ca.pem");
    let ended = ask(
        address,
        &["--cacert", ca.to_str().unwrap(), "--check", "status=200"],
    );
    assert_eq!(ended.code, 90, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("body.reset") && ended.stderr.contains("without close_notify)"),
        "{}",
        ended.stderr
    );
}

/// Users who resumed each other's sessions would spare the server most of a crowd's handshakes.
#[tokio::test]
async fn each_user_resumes_its_own_sessions_and_nobody_elses() {
    let certificates = Certificates::new();
    let good = certificates.issue("good.pem", "localhost", (2020, 2090));
    for (version, full, expected) in [
        (&rustls::version::TLS13, false, 2),
        (&rustls::version::TLS12, false, 2),
        (&rustls::version::TLS13, true, 0),
    ] {
        let address = server(&good, None, &[version]);
        let mut client =
            ClientSettings::new(Target::parse(&format!("https://{address}"), &[]).unwrap());
        client.sharing = Sharing::Fresh;
        client.tls.insecure = true;
        client.tls.full_handshakes = full;
        let counters = Arc::new(Counters::default());
        let connector = Arc::new(Connector::new(&client, &counters).unwrap());
        let rules = Arc::new(Rules {
            client,
            life: Life::default(),
            seed: 0,
            retry_refused: 0,
            field: Field::drawn(0),
            checks: Vec::new(),
            cookies: false,
        });
        let stop = Arc::new(Stop::default());
        for (user, requests) in [(0, 3), (1, 1)] {
            let mut caller = Caller::new(&rules, &connector, None, &stop, user).unwrap();
            for _ in 0..requests {
                let question = Question::Fibonacci { n: 90, prove: true };
                let (outcome, _) = caller.ask(&question, Instant::now()).await.unwrap();
                assert_eq!(outcome.failure, None, "{outcome:?}");
            }
        }
        assert_eq!(counters.opened.load(Relaxed), 4);
        assert_eq!(counters.resumed.load(Relaxed), expected, "{version:?}");
    }
}
