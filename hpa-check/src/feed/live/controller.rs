//! Whether the controller is still the same process, because its history lives in that process; the holder of
//! its lease shows which one it is.

use hpa_check_core::observation::{Fact, Seen, Watched};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::Api;

use super::follow::{Subject, Which, follow};
use super::known::{Known, ObjectChange};
use super::link::Link;
use super::reporter::Reporter;
use super::timing::Timing;

const NAMESPACE: &str = "kube-system";
const LEASE: &str = "kube-controller-manager";

/// Reports each new holder until the task is dropped.
pub(super) async fn follow_lease(
    client: Client,
    (timing, link): (Timing, Link),
    reporter: Reporter,
) {
    let subject: Subject<Lease> = Subject {
        api: Api::namespaced(client, NAMESPACE),
        resource: Watched::Controller,
        rule: format!("leases.coordination.k8s.io in {NAMESPACE}"),
        consequence: "a restart of the controller, which delays its decisions, can't be observed",
        which: Which::Named(LEASE.to_owned()),
    };
    let mut holders = Holders::default();
    let mut known = Known::default();
    follow(subject, &mut known, (timing, link), reporter, |change| {
        // The lease is renewed every few seconds; only its holder matters.
        let ObjectChange::Put(lease) = change else {
            return None;
        };
        let holder = lease.spec?.holder_identity?;
        let restarted = holders.is_new(&holder);
        restarted.then_some(Seen::Fact(Fact::ControllerRestarted { holder }))
    })
    .await;
}

/// The last holder of the lease.
#[derive(Debug, Default)]
struct Holders(Option<String>);

impl Holders {
    /// Whether this is a new holder; a released lease has none.
    fn is_new(&mut self, holder: &str) -> bool {
        if holder.is_empty() {
            return false;
        }
        let last = self.0.replace(holder.to_owned());
        last.is_some_and(|last| last != holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_is_released_and_taken_by_another_holder_is_one_restart() {
        let mut holders = Holders::default();
        let seen = ["a", "a", "", "a", "", "b", "b"].map(|holder| holders.is_new(holder));
        assert_eq!(seen, [false, false, false, false, false, true, false]);
    }
}
