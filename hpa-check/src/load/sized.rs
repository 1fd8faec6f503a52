//! The load of a run whose flags set none: measured on the service, as high as the maximum needs, and low
//! afterwards, so that draining pods have requests to lose.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use hpa_check_core::run::demand::Demand;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{attack, has, in_short, read_result, reporting};
use crate::process::scratch;
use hpa_check_core::sim::cost::CostSearch;
use hpa_check_core::sim::intensity::Intensity;

/// How many requests a connection carries. A Service balances connections, and at a few hundred requests a
/// second only a few are busy: long ones would leave the share of each pod to chance.
pub(crate) const CONNECTION: &str = "5:15";

/// The generator's users: the most requests in flight, and the number of connections to spread.
const USERS: u32 = 500;

/// Requests per measurement. The shortest counts: a CPU limit pauses some of them, and other processes delay
/// others.
const REQUESTS: u32 = 30;

/// How often a request of another service is measured.
const MEASUREMENTS: u32 = 3;

/// The flags with which a request is no longer one for F(n).
const ANOTHER_REQUEST: [&str; 5] = ["--method", "-X", "--body", "-d", "--check"];

/// A load that fits the autoscaler.
pub(crate) struct Sized {
    pub(crate) program: PathBuf,
    pub(crate) target: String,
    /// What the pods together must use.
    pub(crate) demand: Demand,
    /// The user's flags, none of which sets the load.
    pub(crate) flags: Vec<String>,
    /// How often a refused connection is retried.
    pub(crate) retry_refused: u32,
    /// The file for the result of the full load; that of the low load is written next to it.
    pub(crate) result: PathBuf,
}

impl Sized {
    /// Measures, then keeps the load up until it is to be lowered, and low until it is to be stopped. The
    /// result covers both.
    pub(crate) async fn attack(
        &self,
        lower: CancellationToken,
        stop: CancellationToken,
        mut tell: impl FnMut(LoadSecond),
    ) -> Result<LoadResult, String> {
        let (n, rate) = self.measure().await?;
        let args = self.arguments(n, rate, &self.result);
        let high = attack(&self.program, &args, &self.result, lower, &mut tell).await?;
        // A generator that ended by itself had a reason, so it is not restarted.
        if high.exit_code != i32::from(crate::failure::exit::INTERRUPTED) || stop.is_cancelled() {
            return Ok(high);
        }
        let result = beside(&self.result);
        let args = self.arguments(n, rate * self.demand.rest, &result);
        let so_far = high.clone();
        let low = attack(&self.program, &args, &result, stop, |second| {
            tell(added(second, &so_far));
        });
        Ok(both(high, low.await?))
    }

    fn arguments(&self, n: Option<u64>, rate: f64, result: &Path) -> Vec<String> {
        let flags = [
            ("--users", USERS.to_string()),
            ("--rate", format!("{}/s", in_short(rate))),
            ("--run-time", "0".to_owned()),
            ("--conn-requests", CONNECTION.to_owned()),
            ("--retry-refused", self.retry_refused.to_string()),
        ];
        self.with_flags(n, &flags, result)
    }

    /// These flags, unless the user gave one of them, and all of the user's.
    fn with_flags(&self, n: Option<u64>, flags: &[(&str, String)], result: &Path) -> Vec<String> {
        let mut args = vec![self.target.clone()];
        let n = n.map(|n| ("--n", n.to_string()));
        let flags = flags.iter().cloned().chain(n);
        for (flag, value) in flags.filter(|(flag, _)| !has(&self.flags, &[*flag])) {
            args.extend([flag.to_owned(), value]);
        }
        args.extend(self.flags.iter().cloned());
        args.extend(reporting(result));
        args
    }

    /// Which number to request, if it is a fib-server, and how often.
    async fn measure(&self) -> Result<(Option<u64>, f64), String> {
        if self.is_another_service() {
            // The CPU time of its requests is unknown, but is at most the time that they take while the service is idle:
            // one that waits for others gets too weak a load, and none gets too strong a one.
            let mut least = Duration::MAX;
            for _ in 0..MEASUREMENTS {
                least = least.min(self.least(None).await?);
            }
            return Ok((None, Intensity::of(self.demand.height, 0, least).rate));
        }
        // The time that one user's requests take beyond that of a trivial one. The service is idle, so this is CPU time.
        let trivial = self.least(Some(1)).await?;
        let mut search = CostSearch::new(None);
        while let Some(n) = search.to_measure() {
            search.measured(self.least(Some(n)).await?.saturating_sub(trivial));
        }
        let (n, cost) = search.found();
        Ok((Some(n), Intensity::of(self.demand.height, n, cost).rate))
    }

    /// As `fib-loadgen` tells them apart: requests of another service have a path, or say how they differ.
    fn is_another_service(&self) -> bool {
        let (_, rest) = self.target.split_once("://").unwrap_or_default();
        let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
        !matches!(path, "" | "/") || has(&self.flags, &ANOTHER_REQUEST)
    }

    async fn least(&self, n: Option<u64>) -> Result<Duration, String> {
        let folder = scratch().map_err(|e| e.message)?;
        let result = folder.path().join("measurement.json");
        let flags = [
            ("--users", "1".to_owned()),
            ("--requests", REQUESTS.to_string()),
        ];
        let args = self.with_flags(n, &flags, &result);
        let account = attack(
            &self.program,
            &args,
            &result,
            CancellationToken::new(),
            |_| {},
        )
        .await?;
        let measured: Measured = read_result(&result)?;
        let least = measured.latency.service.min;
        least.map(Duration::from_micros).ok_or_else(|| {
            format!(
                "no request was answered, so the load can't be sized (the load generator ended with {}): check \
                 --target, or give the load after `--`",
                account.exit_code
            )
        })
    }
}

#[derive(Debug, Deserialize)]
struct Measured {
    latency: Latency,
}

#[derive(Debug, Deserialize)]
struct Latency {
    service: Service,
}

#[derive(Debug, Deserialize)]
struct Service {
    min: Option<u64>,
}

/// `load.json` → `load-rest.json`.
fn beside(result: &Path) -> PathBuf {
    let stem = result.file_stem().unwrap_or_default().to_string_lossy();
    result.with_file_name(format!("{stem}-rest.json"))
}

/// A second of the low load, whose counts continue from those of the full load.
fn added(second: LoadSecond, before: &LoadResult) -> LoadSecond {
    LoadSecond {
        failed: second.failed + before.failed,
        wrong: second.wrong + before.wrong,
        verified: second.verified + before.verified,
        ..second
    }
}

/// The result of both parts. Only the full load can have been too much for the generator.
fn both(high: LoadResult, low: LoadResult) -> LoadResult {
    LoadResult {
        requests: high.requests + low.requests,
        failed: high.failed + low.failed,
        wrong: high.wrong + low.wrong,
        verified: high.verified + low.verified,
        exit_code: low.exit_code,
        ..high
    }
}

#[cfg(test)]
mod tests {
    use hpa_check_core::observation::GeneratorVerdict;
    use hpa_check_core::units::Millicores;

    use super::*;

    fn account(requests: u64, failed: u64, generator: GeneratorVerdict) -> LoadResult {
        LoadResult {
            requests,
            failed,
            wrong: 1,
            verified: requests - failed - 1,
            generator,
            generator_reasons: Vec::new(),
            exit_code: 105,
            ..LoadResult::default()
        }
    }

    fn sized(target: &str, flags: &[&str]) -> Sized {
        Sized {
            program: PathBuf::new(),
            target: target.to_owned(),
            demand: Demand {
                height: Millicores(650),
                rest: 0.1,
            },
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            retry_refused: 0,
            result: PathBuf::new(),
        }
    }

    #[test]
    fn only_the_base_url_of_a_fib_server_is_asked_for_numbers() {
        for target in [
            "http://fib-server",
            "http://fib-server/",
            "http://[::1]:8080",
        ] {
            assert!(
                !sized(target, &["-H", "A: b"]).is_another_service(),
                "{target}"
            );
        }
        for target in [
            "http://cart/items",
            "http://cart/?ms=10",
            "https://cart?ms=10",
        ] {
            assert!(sized(target, &[]).is_another_service(), "{target}");
        }
        assert!(sized("http://cart", &["--check=status=200"]).is_another_service());
    }

    #[test]
    fn the_user_s_flags_are_added_to_a_sized_load_and_replace_its_own() {
        let flags = ["--allow-host", "cart.example.com", "--conn-requests=50"];
        let args = sized("http://cart.example.com/items", &flags);
        let args = args.arguments(None, 70.0, Path::new("load.json")).join(" ");
        assert!(args.contains("--rate 70/s"), "{args}");
        assert!(args.contains("--allow-host cart.example.com"), "{args}");
        assert_eq!(args.matches("--conn-requests").count(), 1, "{args}");
        assert!(!args.contains("--n "), "{args}");
    }

    #[test]
    fn the_combined_result_loses_no_failure_of_either_part() {
        let whole = both(
            account(100, 2, GeneratorVerdict::Suspect),
            account(10, 3, GeneratorVerdict::Ok),
        );
        assert_eq!((whole.requests, whole.failed, whole.wrong), (110, 5, 2));
        assert_eq!(
            (whole.verified, whole.generator),
            (103, GeneratorVerdict::Suspect)
        );
    }

    #[test]
    fn the_counts_of_the_low_load_continue_from_those_of_the_full_load() {
        let second = LoadSecond {
            failed: 1,
            verified: 4,
            ..LoadSecond::default()
        };
        let told = added(second, &account(100, 2, GeneratorVerdict::Ok));
        assert_eq!((told.failed, told.wrong, told.verified), (3, 1, 101));
    }

    #[test]
    fn the_result_of_the_low_load_is_written_next_to_the_other() {
        let path = beside(Path::new("target/e2e/load.json"));
        assert_eq!(path, Path::new("target/e2e/load-rest.json"));
    }
}
