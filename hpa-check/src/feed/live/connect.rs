//! Finding the cluster: which kubeconfig, context and namespace, is there an API server, what is its
//! version, and what does its clock say.

use std::path::PathBuf;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde::Deserialize;

use super::clock::Clock;
use super::retry_after;
use super::trouble::{Kind, Trouble};
use crate::failure::Failure;

/// Where the cluster is.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ClusterArgs {
    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, else the pod's service account]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace of the autoscaler [default: the context's]
    #[arg(short = 'n', long, value_name = "NAME")]
    pub namespace: Option<String>,
}

/// A cluster that answered.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// Such as `1.36`.
    pub(super) kubernetes: Option<String>,
    pub(super) clock: Clock,
}

/// Connects, and asks for the version: the one question that needs no right but to be there.
pub(super) async fn connect(args: &ClusterArgs, deadline: Duration) -> Result<Cluster, Failure> {
    let mut config = configuration(args).await?;
    let server = config.cluster_url.to_string();
    config.connect_timeout = Some(deadline);
    // The client's own retries can hold one poll of the metrics for minutes.
    config.default_retry = false;
    let namespace = args
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let builder = ClientBuilder::try_from(config).map_err(|error| {
        Failure::target(format!(
            "the credentials for {server} can't be used: {error}; check the kubeconfig"
        ))
    })?;
    let client = builder.with_layer(&retry_after::layer()).build();
    let clock = Clock::new(Timestamp::now);
    reach(client, &server, namespace, clock, deadline).await
}

/// Asks for the version, and sets the clock by the answer.
pub(super) async fn reach(
    client: Client,
    server: &str,
    namespace: String,
    clock: Clock,
    deadline: Duration,
) -> Result<Cluster, Failure> {
    let answer = version(&client, clock, deadline).await;
    let (kubernetes, clock) = answer.map_err(|trouble| {
        let advice = match trouble.kind {
            Kind::Unauthorized => "renew the credentials, or choose another --context",
            _ => "check --kubeconfig and --context, and that the cluster is up",
        };
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

async fn configuration(args: &ClusterArgs) -> Result<Config, Failure> {
    let advice = "name a kubeconfig with --kubeconfig, or run inside the cluster";
    let (place, read) = match &args.kubeconfig {
        Some(path) => (path.display().to_string(), Kubeconfig::read_from(path)),
        None if args.context.is_some() => (
            "$KUBECONFIG or ~/.kube/config".to_owned(),
            Kubeconfig::read(),
        ),
        None => {
            return Config::infer().await.map_err(|error| {
                let error = one_line(&error);
                Failure::target(format!("no cluster is configured: {error}; {advice}"))
            });
        }
    };
    let failure = |error| {
        let error = one_line(&error);
        Failure::target(format!(
            "the kubeconfig {place} can't be used: {error}; {advice}"
        ))
    };
    let file = read.map_err(failure)?;
    let contexts: Vec<&str> = file.contexts.iter().map(|c| c.name.as_str()).collect();
    if let Some(context) = &args.context
        && !contexts.contains(&context.as_str())
    {
        let all = contexts.join(", ");
        return Err(Failure::target(format!(
            "the kubeconfig {place} has no context `{context}`; it has: {all}"
        )));
    }
    let options = KubeConfigOptions {
        context: args.context.clone(),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(failure)
}

/// An error of a parser may show the place over several lines.
fn one_line(error: &impl ToString) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Deserialize)]
struct VersionInfo {
    major: String,
    minor: String,
}

/// `GET /version`, raw, because the answer's `Date` header is wanted too. A 403 is an answer.
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
            kind: Kind::Unauthorized,
            message: "it does not accept the credentials (401 Unauthorized)".into(),
        });
    }
    if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
        return Err(Trouble {
            kind: Kind::Busy(None),
            message: format!("it answers {status}"),
        });
    }
    let info = serde_json::from_slice::<VersionInfo>(&body);
    if status.is_success() && info.is_err() {
        return Err(Trouble {
            kind: Kind::Other,
            message: "what answers there is no Kubernetes API server".into(),
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
    fn a_vendors_plus_is_not_part_of_the_release() {
        let info = VersionInfo {
            major: "1".into(),
            minor: "31+".into(),
        };
        assert_eq!(release(&info), "1.31");
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_one_sentence() {
        let args = ClusterArgs {
            kubeconfig: Some("/nowhere/config".into()),
            ..ClusterArgs::default()
        };
        let failure = configuration(&args).await.unwrap_err();
        assert_eq!(failure.code, 90);
        assert!(failure.message.contains("/nowhere/config"), "{failure}");
        assert!(!failure.message.contains('\n'), "{failure}");
    }
}
