//! The intensity of the load.

use std::time::Duration;

use crate::units::Millicores;

/// What to request from the service: which number, and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intensity {
    /// The index of the Fibonacci number.
    pub n: u64,
    /// Requests per second under full load.
    pub rate: f64,
}

impl Intensity {
    /// The rate at which requests for F(n), each costing `cost` of CPU time, add up to `load`.
    pub fn of(load: Millicores, n: u64, cost: Duration) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a machine has far less than 2^52 millicores"
        )]
        let cores = load.0 as f64 / 1000.0;
        let rate = cores / cost.as_secs_f64().max(1e-6);
        Self {
            n,
            rate: rate.round().max(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_from_what_one_request_costs() {
        let intensity = Intensity::of(Millicores(650), 90, Duration::from_millis(4));
        assert!((intensity.rate - 163.0).abs() < f64::EPSILON);
    }
}
