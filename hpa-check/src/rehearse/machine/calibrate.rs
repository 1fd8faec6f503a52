//! What one request costs on this machine: the number to ask for, and its CPU time.

use std::path::Path;
use std::time::{Duration, Instant};

use super::cpu::CpuMeter;
use super::pod::{addresses, arguments};
use super::probe;
use crate::process::Child;

/// The number asked for first. It is doubled until a request costs enough.
const FIRST_N: u64 = 50_000;

/// The service's default limit on n is 1,000,000; this is the last doubling below it.
const LAST_N: u64 = 800_000;

/// What a request should cost. Then some 300 requests a second are the whole load: the cost of carrying
/// them is small beside that of computing, so many a second that their number is steady, and each so
/// short that the generator does not wait long for a CPU on which one is computed.
const WORTHWHILE: Duration = Duration::from_millis(2);

/// The cost of F(n) with its digits grows as n to that power, about.
const GROWTH: f64 = 1.3;

/// CPU time to spend for one measurement: the operating system counts in steps of 10 ms.
const MEASURE: Duration = Duration::from_millis(150);

/// A machine that needs longer for that is busy with something else.
const AT_MOST: Duration = Duration::from_secs(2);

/// Measurements of the number that is chosen. The smallest counts: a disturbed one is too big, and
/// would make the load too small.
const TIMES: usize = 3;

/// The number to ask for, and what a request for it costs.
pub(super) async fn cost(fib_server: &Path, n: Option<u64>) -> Result<(u64, Duration), String> {
    let mut child = Child::start(fib_server, &arguments("calibration", Duration::ZERO))?;
    let service = addresses(&mut child).await?.service;
    let mut meter = Meter {
        pid: child.pid,
        cpu: CpuMeter::new()?,
    };
    let mut chosen = n.unwrap_or(FIRST_N);
    let mut cost = meter.measure(service, chosen).await?;
    while n.is_none() && cost < WORTHWHILE && chosen < LAST_N {
        chosen *= 2;
        cost = meter.measure(service, chosen).await?;
    }
    if n.is_none() && cost > WORTHWHILE {
        chosen = nearer(chosen, cost);
        cost = meter.measure(service, chosen).await?;
    }
    for _ in 1..TIMES {
        cost = cost.min(meter.measure(service, chosen).await?);
    }
    Ok((chosen, cost))
}

/// The number at which a request costs what it should, in whole thousands, given what one costs at n.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers are between a thousand and a million"
)]
fn nearer(n: u64, cost: Duration) -> u64 {
    let share = WORTHWHILE.as_secs_f64() / cost.as_secs_f64();
    let thousands = n as f64 * share.powf(1.0 / GROWTH) / 1000.0;
    (thousands.ceil() as u64).max(1) * 1000
}

/// Reads the CPU time of one process.
struct Meter {
    pid: u32,
    cpu: CpuMeter,
}

impl Meter {
    /// The CPU time of one request, averaged over as many as it takes. Each has a connection of its
    /// own, as most have under the load.
    async fn measure(&mut self, service: std::net::SocketAddr, n: u64) -> Result<Duration, String> {
        let path = format!("/get?n={n}");
        let (began, before) = (Instant::now(), self.used()?);
        let mut requests = 0;
        loop {
            for _ in 0..5 {
                match probe::get(service, &path, AT_MOST).await {
                    Some(200) => requests += 1,
                    Some(code) => return Err(format!("`GET {path}` was answered with {code}")),
                    None => return Err(format!("`GET {path}` was not answered in time")),
                }
            }
            let used = self.used()?.saturating_sub(before);
            if used >= MEASURE || began.elapsed() >= AT_MOST {
                return Ok(used / requests);
            }
        }
    }

    fn used(&mut self) -> Result<Duration, String> {
        self.cpu
            .read(&[self.pid])
            .into_iter()
            .next()
            .flatten()
            .ok_or_else(|| "it is gone".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_costs_too_much_is_made_smaller_by_the_law_of_its_cost() {
        let twice = Duration::from_millis(4);
        assert_eq!(nearer(200_000, twice), 118_000);
        assert_eq!(nearer(200_000, WORTHWHILE), 200_000);
        assert_eq!(nearer(50_000, Duration::from_mins(1)), 1_000);
    }
}
