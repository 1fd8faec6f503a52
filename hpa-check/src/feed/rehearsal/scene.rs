//! What is rehearsed, all of it: settings, the measured cost of a request, and the machine's size.

use hpa_check_core::units::Millicores;

use super::engine::Scene;
use super::settings::{Flags, Settings};
use super::sizing::{LoadPlan, Sizes};
use crate::load::intensity::Intensity;

/// The scene of these settings, with a load of that intensity, on a machine with that many CPUs.
pub(super) fn scene(
    flags: &Flags,
    settings: &Settings,
    intensity: Intensity,
    cpus: usize,
) -> Scene {
    let pace = settings.pace;
    Scene {
        spec: settings.spec.clone(),
        controller: pace.controller(),
        metrics_resolution: pace.metrics_resolution,
        container: settings.container.clone(),
        capacity: (
            Millicores(i64::try_from(cpus).unwrap_or(i64::MAX / 1000) * 1000),
            format!("{cpus} CPUs of this machine"),
        ),
        load_limit: flags.rate.is_none().then(|| {
            let Sizes { load, request } = settings.sizes;
            (
                settings.sizes.load_at_most(),
                format!("the load is sized to {load}, for a request of {request} on this machine"),
            )
        }),
        load: LoadPlan {
            users: flags.users,
            intensity,
            before: pace.before(),
            high: pace.high(&settings.spec),
            after: pace.after(&settings.spec),
        },
        fault: flags.fault,
    }
}
