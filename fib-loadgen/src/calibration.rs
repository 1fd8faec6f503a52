//! What a request costs the server, from its own account of its CPU time before and after a short load.

use std::time::Duration;

/// Counters of CPU time, in seconds: that of Prometheus' client libraries, and `fib-server`'s.
const COUNTERS: [&str; 2] = ["process_cpu_seconds_total", "fib_process_cpu_seconds_total"];
/// Fewer answers than this say nothing about an average.
const FEWEST: u64 = 20;
/// Less CPU time than this is lost among what the server does besides.
const LEAST: Duration = Duration::from_millis(50);

/// The CPU time on a page of Prometheus' text format (version 0.0.4), in seconds; `None` when it has no such counter.
pub fn cpu_seconds(page: &str) -> Option<f64> {
    let of = |name: &str| -> Option<f64> {
        let samples = page.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = match rest.strip_prefix('{') {
                // A label's value may have any character, and a number has no brace.
                Some(labels) => labels.rsplit_once('}')?.1,
                None => rest.strip_prefix(' ')?,
            };
            value.split_whitespace().next()?.parse::<f64>().ok()
        });
        samples.reduce(|sum, sample| sum + sample)
    };
    COUNTERS.into_iter().find_map(of)
}

/// What was seen while the cost was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// CPU seconds of all pages together, before and after.
    pub cpu_s: (f64, f64),
    /// Requests that were answered rightly.
    pub answers: u64,
    /// Requests that were not.
    pub failed: u64,
    /// Pods that answered, by their name in answers; 0 when they do not say.
    pub pods: usize,
    /// Pages that were read.
    pub pages: usize,
}

/// The CPU time of one request, or why it can't be told.
pub fn cost(measured: &Measured) -> Result<Duration, String> {
    let Measured {
        cpu_s: (before, after),
        answers,
        failed,
        pods,
        pages,
    } = *measured;
    let used = Duration::try_from_secs_f64(after - before)
        .map_err(|_| "the server restarted meanwhile: measure again".to_owned())?;
    if pods > pages {
        return Err(format!(
            "{pods} pods answered and {pages} of them told their CPU time: give the page of each"
        ));
    }
    if failed * 100 > answers {
        return Err(format!(
            "{failed} requests failed and {answers} were answered: load what the server can take"
        ));
    }
    if answers < FEWEST || used < LEAST {
        return Err(format!(
            "{answers} answers for {used:.0?} of CPU time are too little to measure by: give cost=… in the profile"
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    Ok(used.div_f64(answers as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_from_any_page_of_prometheus() {
        for (page, seconds) in [
            (
                "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 12.5\n",
                Some(12.5),
            ),
            (
                "fib_process_cpu_seconds_total 1e-3 1700000000\n",
                Some(0.001),
            ),
            (
                "process_cpu_seconds_total{worker=\"a } b\"} 1\nprocess_cpu_seconds_total{worker=\"2\"} 2\n",
                Some(3.0),
            ),
            ("process_cpu_seconds_total_created 5\n", None),
            ("go_gc_duration_seconds 5\n", None),
            ("", None),
        ] {
            assert_eq!(cpu_seconds(page), seconds, "{page}");
        }
    }

    #[test]
    fn a_cost_is_cpu_time_over_answers_unless_something_speaks_against_it() {
        let calm = Measured {
            cpu_s: (10.0, 12.0),
            answers: 1_000,
            failed: 0,
            pods: 1,
            pages: 1,
        };
        assert_eq!(cost(&calm), Ok(Duration::from_millis(2)));
        for odd in [
            Measured {
                cpu_s: (10.0, 1.0),
                ..calm
            },
            Measured {
                cpu_s: (10.0, 10.01),
                ..calm
            },
            Measured {
                answers: 19,
                ..calm
            },
            Measured { failed: 11, ..calm },
            Measured { pods: 2, ..calm },
        ] {
            assert!(cost(&odd).is_err(), "{odd:?}");
        }
    }
}
