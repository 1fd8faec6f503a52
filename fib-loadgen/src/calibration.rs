//! The server's cost per request, from the CPU time that it reports before and after a short load.

use std::time::Duration;

/// Counters of CPU time, in seconds: that of Prometheus' client libraries, and `fib-server`'s.
const COUNTERS: [&str; 2] = ["process_cpu_seconds_total", "fib_process_cpu_seconds_total"];
/// Fewer answers than this make no meaningful average.
const FEWEST: u64 = 20;
/// Less CPU time than this can't be distinguished from the server's other work.
const LEAST: Duration = Duration::from_millis(50);

/// The CPU time on a page in Prometheus' text format (version 0.0.4), in seconds; `None` if it has no such
/// counter.
pub fn cpu_seconds(page: &str) -> Option<f64> {
    let of = |name: &str| -> Option<f64> {
        let samples = page.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = match rest.strip_prefix('{') {
                // A label's value may contain any character, but a number has no brace.
                Some(labels) => labels.rsplit_once('}')?.1,
                None => rest.strip_prefix(' ')?,
            };
            value.split_whitespace().next()?.parse::<f64>().ok()
        });
        samples.reduce(|sum, sample| sum + sample)
    };
    COUNTERS.into_iter().find_map(of)
}

/// The measurements for the cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// CPU seconds of all pages together, before and after.
    pub cpu_s: (f64, f64),
    /// Requests with a correct answer.
    pub answers: u64,
    /// Requests without one.
    pub failed: u64,
    /// Pods that answered, by name; 0 if answers do not name their pod.
    pub pods: usize,
    /// Pages that were read.
    pub pages: usize,
}

/// The CPU time of one request, or why it is unknown.
pub fn cost(measured: &Measured) -> Result<Duration, String> {
    let Measured {
        cpu_s: (before, after),
        answers,
        failed,
        pods,
        pages,
    } = *measured;
    let used = Duration::try_from_secs_f64(after - before)
        .map_err(|_| "the server restarted in the meantime: measure again".to_owned())?;
    if pods > pages {
        return Err(format!(
            "{pods} pods answered but only {pages} reported their CPU time: give each pod's metrics URL"
        ));
    }
    if failed * 100 > answers {
        return Err(format!(
            "{failed} requests failed and {answers} were answered: use a load that the server can handle"
        ));
    }
    if answers < FEWEST || used < LEAST {
        return Err(format!(
            "{answers} answers for {used:.0?} of CPU time are too little for a measurement: give cost=… in the profile"
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
    fn a_cost_is_cpu_time_over_answers_unless_the_measurement_is_invalid() {
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
