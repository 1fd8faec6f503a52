//! Finds the cluster as kubectl does: kubeconfig, context, namespace, proxy and credentials; then checks that
//! there is an API server, and reads its version and its clock.

mod args;
mod credentials;
mod kubeconfig;
mod proxy;

use std::time::Duration;

use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use serde::Deserialize;
use tower::util::MapRequestLayer;

use self::kubeconfig::Chosen;
use super::clock::Clock;
use super::retry_after;
use super::trouble::{Trouble, TroubleKind, one_line};
use crate::failure::Failure;

pub(crate) use self::args::ClusterArgs;

/// An exec plugin that gets a token from a cloud takes far less.
const CREDENTIALS_WITHIN: Duration = Duration::from_mins(1);

/// A cluster that answered.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// The version, such as `1.36`.
    pub(super) kubernetes: Option<String>,
    pub(super) clock: Clock,
}

/// Connects and reads the version, which needs no permission.
pub(super) async fn connect(args: &ClusterArgs, deadline: Duration) -> Result<Cluster, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let (mut config, chosen) = configuration(args, environment)?;
    let server = config.cluster_url.to_string();
    config.connect_timeout = Some(deadline);
    // The client's own retries can delay one poll of the metrics for minutes.
    config.default_retry = false;
    if let Some(user) = &args.impersonate {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups =
            (!args.impersonate_groups.is_empty()).then(|| args.impersonate_groups.clone());
        config.auth_info.impersonate_uid = args.impersonate_uid.clone();
    }
    let namespace = args
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let way = match &config.proxy_url {
        Some(proxy) => {
            // Without the password that may be in it.
            let authority = proxy.authority().map(http::uri::Authority::as_str);
            let place = authority
                .and_then(|a| a.rsplit('@').next())
                .unwrap_or_default();
            format!("{server} by the proxy {place}")
        }
        None => server.clone(),
    };
    let client = credentialed(config).await?.map_err(|error| {
        let why = match &chosen {
            Some(chosen) => credentials::explain(&error, chosen),
            None => one_line(&error),
        };
        Failure::target(format!("the API server {server} can't be reached: {why}"))
    })?;
    let clock = Clock::new(Timestamp::now);
    reach(client, &way, namespace, clock, deadline).await
}

/// Makes the client. An exec plugin runs in the meantime and may hang, on a thread that then ends with the
/// process.
async fn credentialed(config: Config) -> Result<Result<Client, kube::Error>, Failure> {
    let plugin = config.auth_info.exec.as_ref();
    let plugin = plugin
        .and_then(|exec| exec.command.clone())
        .unwrap_or_default();
    let runtime = tokio::runtime::Handle::current();
    let (sender, made) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _entered = runtime.enter();
        let client = ClientBuilder::try_from(config).map(|builder| {
            builder
                .with_layer(&retry_after::layer())
                .with_layer(&MapRequestLayer::new(uncompressed))
                .build()
        });
        // After the deadline nobody waits any more.
        let _ = sender.send(client);
    });
    match tokio::time::timeout(CREDENTIALS_WITHIN, made).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(_)) => Err(Failure::internal("the client can't be created")),
        Err(_) => Err(Failure::target(format!(
            "the exec plugin `{plugin}` gave no credentials within {} s: run it by hand to see what it waits for",
            CREDENTIALS_WITHIN.as_secs()
        ))),
    }
}

/// Watches and followed logs come uncompressed, because compression would buffer them.
fn uncompressed<B>(mut request: Request<B>) -> Request<B> {
    let query = request.uri().query().unwrap_or_default();
    if query.contains("watch=") || query.contains("follow=") {
        let identity = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, identity);
    }
    request
}

/// Reads the version, and adjusts the clock by the answer.
pub(super) async fn reach(
    client: Client,
    server: &str,
    namespace: String,
    clock: Clock,
    deadline: Duration,
) -> Result<Cluster, Failure> {
    let answer = version(&client, clock, deadline).await;
    let (kubernetes, clock) = answer.map_err(|trouble| {
        let advice = trouble.remedy().unwrap_or(match trouble.kind {
            TroubleKind::Silent => {
                "check that the cluster is up, or wait longer with --request-timeout"
            }
            _ => "check --kubeconfig and --context, and that the cluster is up",
        });
        Failure::target(format!(
            "the API server {server} can't be used: {}; {advice}",
            trouble.message
        ))
    })?;
    Ok(Cluster {
        client,
        namespace,
        kubernetes,
        clock,
    })
}

/// The client's configuration with the choices from the kubeconfig; without a kubeconfig, the pod's service
/// account.
fn configuration(
    args: &ClusterArgs,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<(Config, Option<Chosen>), Failure> {
    match kubeconfig::choose(args, &environment)? {
        Ok(chosen) => {
            let config = chosen_config(&chosen, environment)
                .map_err(|why| Failure::target(format!("the kubeconfig can't be used: {why}")))?;
            Ok((config, Some(chosen)))
        }
        Err(missing) => {
            let config = Config::incluster().map_err(|error| {
                let (why, advice) = if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
                    ("this pod has no service account token", "set automountServiceAccountToken: true in the pod's spec, or name")
                } else {
                    ("this is not a pod", "name")
                };
                Failure::target(format!(
                    "no cluster is configured: {missing}, and {why} ({}); {advice} a kubeconfig with --kubeconfig",
                    one_line(&error)
                ))
            })?;
            Ok((config, None))
        }
    }
}

/// A server without a scheme has TLS only if something configures TLS for it. `DefaultServerURL` of client-go.
fn with_scheme(server: &str, chosen: &Chosen) -> String {
    let (cluster, user) = (&chosen.cluster, &chosen.user);
    let authority =
        cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
    let own = user.client_certificate.is_some() || user.client_certificate_data.is_some();
    let tls = authority || own || cluster.insecure_skip_tls_verify == Some(true);
    match (server.contains("://") || server.is_empty(), tls) {
        (true, _) => server.to_owned(),
        (false, true) => format!("https://{server}"),
        (false, false) => format!("http://{server}"),
    }
}

/// kube's own conversion matches `NO_PROXY` against the proxy instead of the server, and stops at an empty
/// entry.
fn chosen_config(
    chosen: &Chosen,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Config, String> {
    let (name, cluster) = (&chosen.cluster_name, &chosen.cluster);
    let server = cluster.server.as_deref().unwrap_or_default();
    let url: http::Uri = with_scheme(server, chosen)
        .parse()
        .ok()
        .filter(|url: &http::Uri| url.host().is_some())
        .ok_or_else(|| format!("`server` of the cluster `{name}` is not a URL: `{server}`"))?;
    let mut config = Config::new(url);
    config.proxy_url = proxy::proxy(
        &config.cluster_url,
        cluster.proxy_url.as_deref(),
        environment,
    )?;
    config.root_cert = credentials::authorities(chosen)?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    config.auth_info = chosen.user.clone();
    if let Some(namespace) = &chosen.namespace {
        config.default_namespace.clone_from(namespace);
    }
    Ok(config)
}

#[derive(Deserialize)]
struct VersionInfo {
    major: String,
    minor: String,
}

/// `GET /version`, as a raw request, because the `Date` header is needed too. A 403 is an answer.
async fn version(
    client: &Client,
    clock: Clock,
    deadline: Duration,
) -> Result<(Option<String>, Clock), Trouble> {
    let request = Request::get("/version")
        .body(Body::empty())
        .expect("a constant path makes a request");
    let sent = clock.now();
    let asking = async {
        let response = client.send(request).await?;
        let received = clock.now();
        let status = response.status();
        let date = response.headers().get(http::header::DATE);
        let clock = clock.set_by(date.and_then(|d| d.to_str().ok()), sent, received);
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, kube::Error>((status, clock, body))
    };
    let (status, clock, body) = super::trouble::within(deadline, asking).await?;
    if status == http::StatusCode::UNAUTHORIZED {
        return Err(Trouble {
            kind: TroubleKind::Unauthorized,
            message: "it does not accept the credentials (401 Unauthorized)".into(),
        });
    }
    if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
        return Err(Trouble {
            kind: TroubleKind::Busy(None),
            message: format!("it answers {status}"),
        });
    }
    let info = serde_json::from_slice::<VersionInfo>(&body);
    let elsewhere = status.is_redirection();
    if elsewhere || (status.is_success() && info.is_err()) {
        return Err(Trouble {
            kind: TroubleKind::Other,
            message: format!(
                "the server there is not a Kubernetes API server{}",
                if elsewhere {
                    ", it redirects elsewhere, perhaps to sign in"
                } else {
                    ""
                }
            ),
        });
    }
    Ok((info.ok().map(|info| release(&info)), clock))
}

/// Some vendors write the minor version as `31+`.
fn release(info: &VersionInfo) -> String {
    format!("{}.{}", info.major, info.minor.trim_end_matches('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_plus_sign_is_not_part_of_the_version() {
        let info = VersionInfo {
            major: "1".into(),
            minor: "31+".into(),
        };
        assert_eq!(release(&info), "1.31");
    }
}
