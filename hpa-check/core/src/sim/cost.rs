//! Finds the number to request: one whose computation costs clearly more than the HTTP request around it.

use std::time::Duration;

/// The first number measured. It is doubled until a request costs enough.
const FIRST_N: u64 = 50_000;

/// The service's default limit on n is 1,000,000; this is the last doubling below it.
const LAST_N: u64 = 800_000;

/// The CPU time that a request should cost. About 300 requests per second are then the whole load: HTTP costs
/// little compared with computing, the rate is high enough to be steady, and each request is short enough that
/// the generator rarely waits for a busy CPU.
const WORTHWHILE: Duration = Duration::from_millis(2);

/// The cost of F(n) with its digits grows roughly as n to this power.
const GROWTH: f64 = 1.3;

/// How often the chosen number is measured. The smallest result counts: a disturbed measurement is too high and
/// would make the load too low.
const TIMES: u32 = 3;

/// Searches for the number. The caller measures [`Self::to_measure`] until it returns `None`.
#[derive(Debug, Clone)]
pub struct CostSearch {
    n: u64,
    /// Whether the number is final.
    settled: bool,
    cost: Duration,
    times: u32,
}

impl CostSearch {
    /// A new search; a given number is only measured.
    pub fn new(given: Option<u64>) -> Self {
        Self {
            n: given.unwrap_or(FIRST_N),
            settled: given.is_some(),
            cost: Duration::MAX,
            times: 0,
        }
    }

    /// The number to measure next.
    pub fn to_measure(&self) -> Option<u64> {
        (self.times < TIMES).then_some(self.n)
    }

    /// Adds the CPU time that a request for it cost.
    pub fn measured(&mut self, cost: Duration) {
        if self.settled {
            self.times += 1;
            self.cost = self.cost.min(cost);
        } else if cost < WORTHWHILE && self.n < LAST_N {
            self.n *= 2;
        } else {
            self.settled = true;
            self.n = nearer(self.n, cost).min(self.n);
        }
    }

    /// The number, and the CPU time of one request for it.
    pub fn found(&self) -> (u64, Duration) {
        (self.n, self.cost)
    }
}

/// The number at which a request has the intended cost, in whole thousands, from the cost of one at n.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers are between a thousand and a million"
)]
fn nearer(n: u64, cost: Duration) -> u64 {
    let share = WORTHWHILE.as_secs_f64() / cost.as_secs_f64().max(1e-9);
    let thousands = n as f64 * share.powf(1.0 / GROWTH) / 1000.0;
    (thousands.ceil() as u64).max(1) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(given: Option<u64>, mut cost: impl FnMut(u64) -> Duration) -> (u64, Duration) {
        let mut search = CostSearch::new(given);
        while let Some(n) = search.to_measure() {
            search.measured(cost(n));
        }
        search.found()
    }

    #[test]
    fn the_number_doubles_until_a_request_costs_two_milliseconds() {
        let found = search(None, |n| Duration::from_nanos(n * 10));
        assert_eq!(found, (200_000, Duration::from_millis(2)));
    }

    #[test]
    fn a_number_that_costs_too_much_is_reduced_by_the_cost_formula() {
        let (n, _) = search(None, |n| Duration::from_nanos(n * 20));
        assert_eq!(n, 100_000);
        assert_eq!(nearer(200_000, Duration::from_millis(4)), 118_000);
        assert_eq!(nearer(200_000, WORTHWHILE), 200_000);
        assert_eq!(nearer(50_000, Duration::from_mins(1)), 1_000);
    }

    #[test]
    fn the_services_limit_ends_the_search_on_a_very_fast_machine() {
        let found = search(None, |_| Duration::from_micros(1));
        assert_eq!(found, (800_000, Duration::from_micros(1)));
    }

    #[test]
    fn a_given_number_is_used_with_its_least_disturbed_measurement() {
        let mut costs = [9, 1, 7].into_iter();
        let found = search(Some(90), |_| Duration::from_millis(costs.next().unwrap()));
        assert_eq!(found, (90, Duration::from_millis(1)));
    }
}
