//! The flags that select the cluster, the same as kubectl's.

use std::path::PathBuf;
use std::time::Duration;

/// `--request-timeout 0`: practically no timeout.
const NO_TIMEOUT: Duration = Duration::from_hours(24);

/// The cluster and the user, with kubectl's flags.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, else the pod's service account]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster of the kubeconfig [default: the context's]
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// User of the kubeconfig [default: the context's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Namespace of the autoscaler [default: the context's]
    #[arg(short = 'n', long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// User to impersonate, such as system:serviceaccount:default:viewer
    #[arg(long = "as", value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate (repeatable)
    #[arg(long = "as-group", value_name = "GROUP", requires = "impersonate")]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate
    #[arg(long = "as-uid", value_name = "UID", requires = "impersonate")]
    pub impersonate_uid: Option<String>,
    /// Timeout of each API server call; 0 disables it [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = program_common::duration::parse)]
    pub request_timeout: Option<Duration>,
}

impl ClusterArgs {
    /// The deadline of a call, if the flags set one.
    pub(in crate::feed::live) fn deadline(&self) -> Option<Duration> {
        self.request_timeout.map(|timeout| {
            if timeout.is_zero() {
                NO_TIMEOUT
            } else {
                timeout
            }
        })
    }

    /// Whether the flags select anything in a kubeconfig.
    pub(super) fn choose(&self) -> bool {
        self.context.is_some() || self.cluster.is_some() || self.user.is_some()
    }
}
