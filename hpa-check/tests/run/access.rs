//! The way to the API server, as kubectl finds it: kubeconfigs, proxies, exec plugins, impersonation.
//!
//! Each test asks for an autoscaler that doesn't exist: the answer names the existing one, so it came from the
//! server.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::place::Place;
use crate::api_server::NAMESPACE;
use crate::api_server::proxy::{Kind, Proxy};

const REACHED: &str = "no HorizontalPodAutoscaler other; there are: fib";

/// A name that only a proxy of these tests resolves.
const SERVER: &str = "http://api.test:6443";

fn place() -> Place {
    let place = Place::new();
    place.cluster();
    place
}

/// Writes a kubeconfig with more than an address in its cluster and user.
fn configure(place: &Place, server: &str, cluster: &str, user: &str) {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: '{server}'{cluster}}}}}]\n\
         users: [{{name: me, user: {{{user}}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: me, namespace: {NAMESPACE}}}}}]\n"
    );
    std::fs::write(place.kubeconfig(), text).unwrap();
}

fn asking(place: &Place, flags: &[&str]) -> Command {
    let mut command = place.run(&["--autoscaler", "other"]);
    command
        .args(flags)
        .arg("--kubeconfig")
        .arg(place.kubeconfig());
    command
}

#[track_caller]
fn reached(place: &Place, command: &mut Command) {
    let text = place.refusal(command, 90);
    assert!(text.contains(REACHED), "{text}");
}

#[test]
fn some_of_the_files_in_kubeconfig_may_be_missing() {
    let place = place();
    let list = format!("/gone/first:{}:/gone/last", place.kubeconfig().display());
    let mut command = place.run(&["--autoscaler", "other"]);
    reached(&place, command.env("KUBECONFIG", list));
    let mut command = place.run(&[]);
    command.env("KUBECONFIG", "/gone/first:/gone/last");
    let text = place.refusal(&mut command, 90);
    assert!(text.contains("/gone/first, /gone/last"), "{text}");
    assert!(text.contains("--kubeconfig"), "{text}");
}

#[test]
fn a_proxy_from_the_environment_is_used_unless_no_proxy_names_the_server() {
    let place = place();
    let proxy = place.block_on(Proxy::listen(Kind::Http, place.address));
    let url = format!("http://{}", proxy.address);
    configure(&place, SERVER, "", "");
    let mut command = asking(&place, &[]);
    // NO_PROXY with the proxy's own name does not affect the server.
    command
        .env("HTTP_PROXY", &url)
        .env("NO_PROXY", "127.0.0.1,");
    reached(&place, &mut command);
    assert_eq!(proxy.asked(), ["api.test:6443"]);
    command.env("NO_PROXY", "other.test, .test");
    let text = place.refusal(&mut command, 90);
    assert!(text.contains("api.test"), "{text}");
    assert_eq!(proxy.asked().len(), 1);
}

#[test]
fn a_server_on_this_machine_is_reached_without_the_proxy_from_the_environment() {
    let place = place();
    let mut command = asking(&place, &[]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "https_proxy"] {
        command.env(name, "http://127.0.0.1:1");
    }
    reached(&place, &mut command);
    reached(&place, command.env("NO_PROXY", "127.0.0.1"));
}

#[test]
fn the_proxy_of_the_cluster_is_used_over_http_and_over_socks() {
    for (kind, scheme) in [(Kind::Http, "http"), (Kind::Socks, "socks5")] {
        let place = place();
        let proxy = place.block_on(Proxy::listen(kind, place.address));
        let own = format!(", proxy-url: '{scheme}://{}'", proxy.address);
        configure(&place, SERVER, &own, "");
        let mut command = asking(&place, &[]);
        reached(&place, command.env("NO_PROXY", "*"));
        assert_eq!(proxy.asked(), ["api.test:6443"], "{scheme}");
    }
}

#[test]
fn a_proxy_that_refuses_or_is_missing_or_is_not_one_is_named() {
    let place = place();
    let proxy = place.block_on(Proxy::listen(Kind::Refusing, place.address));
    for (url, said) in [
        (
            format!("http://{}", proxy.address),
            proxy.address.to_string(),
        ),
        ("http://127.0.0.1:1".to_owned(), "127.0.0.1:1".to_owned()),
        ("ftp://127.0.0.1".to_owned(), "proxy-url".to_owned()),
    ] {
        configure(&place, SERVER, &format!(", proxy-url: '{url}'"), "");
        let text = place.refusal(&mut asking(&place, &[]), 90);
        assert!(
            text.contains("proxy") && text.contains(&said),
            "{url}: {text}"
        );
    }
}

#[test]
fn a_server_without_a_scheme_is_asked_without_tls_as_by_kubectl() {
    let place = place();
    configure(&place, &place.address.to_string(), "", "");
    reached(&place, &mut asking(&place, &[]));
    configure(
        &place,
        &place.address.to_string(),
        ", insecure-skip-tls-verify: true",
        "",
    );
    let text = place.refusal(&mut asking(&place, &[]), 90);
    assert!(text.contains("does not speak TLS"), "{text}");
}

#[test]
fn credentials_that_can_not_be_used_say_how_to_get_new_ones() {
    let place = place();
    for (user, advice) in [
        ("tokenFile: /gone/token", "log in again"),
        (
            "auth-provider: {name: gcp}",
            "`gcloud container clusters get-credentials`",
        ),
        (
            "auth-provider: {name: azure}",
            "`kubelogin convert-kubeconfig`",
        ),
    ] {
        configure(&place, &place.url(), "", user);
        let text = place.refusal(&mut asking(&place, &[]), 90);
        assert!(text.contains(advice) && text.contains("`me`"), "{text}");
    }
}

/// A TLS server in front of the API server, with a certificate for this name alone; returns its port and the folder with its CA.
fn with_tls(place: &Place, name: &str) -> (u16, tempfile::TempDir) {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tokio_rustls::{TlsAcceptor, rustls};

    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let (listener, api) = (
        place
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap(),
        place.address,
    );
    let port = listener.local_addr().unwrap().port();
    place.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut secured = acceptor.accept(stream).await.ok()?;
                let mut plain = tokio::net::TcpStream::connect(api).await.ok()?;
                tokio::io::copy_bidirectional(&mut secured, &mut plain)
                    .await
                    .ok()
            });
        }
    });
    (port, folder)
}

#[test]
fn the_certificate_is_checked_against_tls_server_name_and_without_it_against_the_address() {
    let place = place();
    let (port, folder) = with_tls(&place, "kubernetes.internal");
    let authority = folder.path().join("ca.pem");
    let authority = authority.display();
    let server = format!("https://127.0.0.1:{port}");
    let own = format!(", certificate-authority: '{authority}'");
    let named = |name: &str| format!("{own}, tls-server-name: {name}");
    configure(&place, &server, &named("kubernetes.internal"), "");
    reached(&place, &mut asking(&place, &[]));
    for (cluster, shown) in [
        (own.clone(), "127.0.0.1"),
        (named("other.internal"), "other.internal"),
    ] {
        configure(&place, &server, &cluster, "");
        let text = place.refusal(&mut asking(&place, &[]), 90);
        let helps = text.contains(shown) && text.contains("tls-server-name");
        assert!(helps && text.contains("kubernetes.internal"), "{text}");
    }
}

/// A plugin that runs this shell script.
fn plugin(folder: &tempfile::TempDir, script: &str) -> String {
    let path = folder.path().join("plugin");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.display();
    format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{path}', interactiveMode: Never}}"
    )
}

#[test]
fn an_exec_plugin_provides_the_credentials() {
    let place = place();
    let folder = tempfile::tempdir().unwrap();
    let script = r#"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t0ken"}}'"#;
    configure(&place, &place.url(), "", &plugin(&folder, script));
    reached(&place, &mut asking(&place, &[]));
    assert!(
        place
            .server
            .headers("authorization")
            .contains(&"Bearer t0ken".to_owned())
    );
}

#[test]
fn an_exec_plugin_that_fails_is_named_with_its_message() {
    let place = place();
    let folder = tempfile::tempdir().unwrap();
    let script = "echo 'the session is over: log in again' >&2; exit 3";
    configure(&place, &place.url(), "", &plugin(&folder, script));
    let text = place.refusal(&mut asking(&place, &[]), 90);
    assert!(
        text.contains("exec plugin") && text.contains("log in again"),
        "{text}"
    );
    configure(&place, &place.url(), "", &plugin(&folder, "echo nonsense"));
    let text = place.refusal(&mut asking(&place, &[]), 90);
    assert!(text.contains("did not print an ExecCredential"), "{text}");
    let missing = "exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, \
                   interactiveMode: Never, installHint: 'get it from the team'}";
    configure(&place, &place.url(), "", missing);
    let text = place.refusal(&mut asking(&place, &[]), 90);
    assert!(
        text.contains("no-such-plugin") && text.contains("get it from the team"),
        "{text}"
    );
}

#[test]
fn the_user_and_groups_to_impersonate_are_sent_to_the_server() {
    let place = place();
    let flags = ["--as", "viewer", "--as-group", "one", "--as-group", "two"];
    reached(&place, &mut asking(&place, &flags));
    assert!(
        place
            .server
            .headers("impersonate-user")
            .contains(&"viewer".to_owned())
    );
    let groups = place.server.headers("impersonate-group");
    assert!(groups.contains(&"one".to_owned()) && groups.contains(&"two".to_owned()));
    let place = self::place();
    reached(&place, &mut asking(&place, &[]));
    assert!(place.server.headers("impersonate-user").is_empty());
}

#[test]
fn an_answer_is_waited_for_up_to_the_given_timeout() {
    let place = place();
    place
        .server
        .fail("*", crate::api_server::Fault::Silence, usize::MAX);
    let text = place.refusal(&mut asking(&place, &["--request-timeout", "1s"]), 90);
    assert!(text.contains("no answer within 1 s"), "{text}");
    assert!(text.contains("--request-timeout"), "{text}");
}
