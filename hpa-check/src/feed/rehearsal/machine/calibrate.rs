//! The cost of one request on this machine, from the CPU time of a replica.

use std::path::Path;
use std::time::{Duration, Instant};

use super::cpu::CpuMeter;
use super::pod::{addresses, arguments};
use super::probe;
use crate::process::Child;
use hpa_check_core::sim::cost::CostSearch;

/// CPU time to spend on one measurement: the operating system counts in steps of 10 ms.
const MEASURE: Duration = Duration::from_millis(150);

/// A machine that takes longer is busy with something else.
const AT_MOST: Duration = Duration::from_secs(2);

/// The number to request, and the cost of one request for it.
pub(super) async fn cost(fib_server: &Path, n: Option<u64>) -> Result<(u64, Duration), String> {
    let mut child = Child::start(fib_server, &arguments("calibration", Duration::ZERO))?;
    let service = addresses(&mut child).await?.service;
    let mut meter = Meter {
        pid: child.pid,
        cpu: CpuMeter::new()?,
    };
    let mut search = CostSearch::new(n);
    while let Some(n) = search.to_measure() {
        search.measured(meter.measure(service, n).await?);
    }
    Ok(search.found())
}

/// Reads the CPU time of one process.
struct Meter {
    pid: u32,
    cpu: CpuMeter,
}

impl Meter {
    /// The CPU time of one request, averaged over as many as it takes. Each has its own connection, as most
    /// have under load.
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
