//! The complete scene of a rehearsal: settings, the measured cost of a request, and the machine's size.

use hpa_check_core::observation::Fact;
use hpa_check_core::run::demand::rest_share;
use hpa_check_core::sim::scene::Scene;
use hpa_check_core::units::Millicores;

use super::settings::{Flags, NAME, RehearsalSettings};
use hpa_check_core::sim::intensity::Intensity;
use hpa_check_core::sim::sizing::{LoadPlan, Sizes};

/// The scene for these settings on a machine with this many CPUs.
pub(super) fn scene(flags: &Flags, settings: &RehearsalSettings, cpus: usize) -> Scene {
    let timescale = settings.timescale;
    let capacity = Fact::CpuCapacity {
        total: Millicores(i64::try_from(cpus).unwrap_or(i64::MAX / 1000) * 1000),
        how: format!("{cpus} CPUs of this machine"),
    };
    // If the user set the load, its size is unknown.
    let load_limit = flags.rate.is_none().then(|| {
        let Sizes { load, request } = settings.sizes;
        Fact::LoadLimit {
            total: settings.sizes.load_at_most(),
            how: format!("the load is sized to {load}, for a request of {request} on this machine"),
        }
    });
    Scene {
        source: "rehearsal",
        name: NAME.to_owned(),
        kubernetes: None,
        spec: settings.spec.clone(),
        controller: timescale.controller(),
        metrics_resolution: timescale.metrics_resolution,
        // By then most of the first pods are running.
        first_scrape: timescale.metrics_resolution / 4,
        // The first sync comes after the third scrape: samples that began before their pod was ready do not
        // count.
        first_sync: timescale
            .sync_period
            .max(timescale.metrics_resolution * 5 / 2),
        container: settings.container.clone(),
        replicas: settings.spec.effective_min(),
        ready_since: None,
        facts: std::iter::once(capacity).chain(load_limit).collect(),
        fault: flags.fault,
        metrics_lost: Vec::new(),
        length: None,
        watched: true,
    }
}

/// The load for these settings at this intensity.
pub(super) fn load(flags: &Flags, settings: &RehearsalSettings, intensity: Intensity) -> LoadPlan {
    let timescale = settings.timescale;
    let spec = &settings.spec;
    let request = settings
        .container
        .cpu_request
        .unwrap_or(settings.sizes.request);
    let asserted = &settings.expectation;
    let target = asserted.cpu_target_percent;
    let least = (
        asserted.min_replicas.min(spec.effective_min()),
        target.min(spec.cpu_target_percent().unwrap_or(target)),
    );
    LoadPlan {
        users: flags.users,
        intensity,
        rest: rest_share(settings.sizes.load, request, least),
        before: timescale.before(),
        high: timescale.high(&settings.spec),
        after: timescale.after(&settings.spec),
    }
}
