//! What a run expects of the autoscaler: the flags, and for the rest the autoscaler's own spec.

use std::time::Duration;

use hpa_check_core::expectation::{AssertedMetric, Expectation, Numbers, Own, ScaleDown};
use hpa_check_core::spec::AutoscalerSpec;
use program_common::quantity::whole_percent;

use crate::cli::time::duration;
use crate::failure::Failure;

/// The flags; `#[command(flatten)]` them.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "What to expect")]
pub(crate) struct AssertedArgs {
    /// Source of the numbers that no flag below sets [default: spec; fib-server for the autoscaler of fib-server]
    #[arg(long, value_enum, value_name = "WHERE")]
    expect: Option<Source>,
    /// Asserted minimum of replicas [default: the autoscaler's own]
    #[arg(long, alias = "min", value_name = "PODS")]
    expect_min: Option<i32>,
    /// Asserted maximum of replicas [default: the autoscaler's own]
    #[arg(long, alias = "max", value_name = "PODS")]
    expect_max: Option<i32>,
    /// Asserted CPU target in percent of the request [default: the autoscaler's own]
    #[arg(long, alias = "cpu", value_name = "PERCENT", value_parser = whole_percent)]
    expect_cpu: Option<i32>,
    /// Assert a metric, with or without its target: cpu, memory=60%, cpu/CONTAINER=50%, queue=100 (repeatable)
    #[arg(long = "metric", value_name = "NAME[=TARGET]")]
    metrics: Vec<AssertedMetric>,
    /// How much of the scale-down to wait for
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    scale_down: WaitFor,
    /// Wait this much longer than each phase's computed deadline
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    patience: Duration,
}

/// The source of numbers without a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    /// The autoscaler's own spec
    Spec,
    /// How fib-server is deployed: 3 to 10 replicas at 50 %
    FibServer,
}

/// How much of the scale-down to wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum WaitFor {
    /// All of it, to the minimum
    #[default]
    Full,
    /// Its first step
    OneStep,
    /// None of it
    Skip,
}

impl From<WaitFor> for ScaleDown {
    fn from(wait: WaitFor) -> Self {
        match wait {
            WaitFor::Full => Self::Full,
            WaitFor::OneStep => Self::OneStep,
            WaitFor::Skip => Self::Skip,
        }
    }
}

impl AssertedArgs {
    /// Refuses impossible numbers.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let numbers = self.numbers();
        let given = [
            ("--expect-min", numbers.min_replicas),
            ("--expect-max", numbers.max_replicas),
            ("--expect-cpu", numbers.cpu_target_percent),
        ];
        for (flag, number) in given {
            if number.is_some_and(|number| number < 1) {
                return Err(Failure::usage(format!("{flag} must be at least 1")));
            }
        }
        Ok(())
    }

    fn numbers(&self) -> Numbers {
        Numbers {
            min_replicas: self.expect_min,
            max_replicas: self.expect_max,
            cpu_target_percent: self.expect_cpu,
        }
    }

    fn source(&self, spec: &AutoscalerSpec) -> Source {
        let of_fib_server = spec.scale_target_ref.name == "fib-server";
        self.expect.unwrap_or(if of_fib_server {
            Source::FibServer
        } else {
            Source::Spec
        })
    }

    /// What is expected of this autoscaler.
    pub(crate) fn of(&self, spec: &AutoscalerSpec) -> Result<Expectation, Failure> {
        let others = match self.source(spec) {
            Source::Spec => Numbers::default(),
            Source::FibServer => Numbers::FIB_SERVER,
        };
        let base = Expectation {
            metrics: self.metrics.clone(),
            scale_down: self.scale_down.into(),
            patience: self.patience,
            ..Expectation::default()
        };
        let expected = base.asserting(self.numbers().or(others), spec);
        let bounded = self.expect_min.is_some() || self.expect_max.is_some();
        if bounded && expected.min_replicas > expected.max_replicas {
            return Err(Failure::usage(format!(
                "the expected minimum, {}, is above the expected maximum, {}: give --expect-min and --expect-max",
                expected.min_replicas, expected.max_replicas
            )));
        }
        Ok(expected)
    }

    /// The same in one line, for display.
    pub(crate) fn told(&self, name: &str, expected: &Expectation, spec: &AutoscalerSpec) -> String {
        let back = match expected.scale_down {
            ScaleDown::Full => " and back",
            ScaleDown::OneStep => " and one step down",
            ScaleDown::Skip => "",
        };
        let asserted_cpu = !expected.own.cpu_target_percent;
        let cpu = (asserted_cpu || spec.cpu_target_percent().is_some())
            .then(|| format!(" at {} % CPU", expected.cpu_target_percent));
        let metrics: Vec<String> = expected.metrics.iter().map(ToString::to_string).collect();
        let metrics = if metrics.is_empty() {
            String::new()
        } else {
            format!(", scaling on {}", metrics.join(" and "))
        };
        format!(
            "{name} is expected to scale from {} to {} replicas{back}{}{metrics} ({})",
            expected.min_replicas,
            expected.max_replicas,
            cpu.unwrap_or_default(),
            self.origin(expected.own, spec)
        )
    }

    /// Where the numbers come from.
    fn origin(&self, own: Own, spec: &AutoscalerSpec) -> String {
        if self.source(spec) == Source::FibServer {
            let flags = if self.numbers() == Numbers::default() {
                "fib-server's own settings; --expect spec uses the autoscaler's"
            } else {
                "from the flags and fib-server's own settings"
            };
            return flags.to_owned();
        }
        let numbers = [
            (own.min_replicas, "minimum"),
            (own.max_replicas, "maximum"),
            (own.cpu_target_percent, "CPU target"),
        ];
        let of_spec: Vec<&str> = numbers
            .iter()
            .filter_map(|(own, name)| own.then_some(*name))
            .collect();
        match of_spec.len() {
            0 => "from the flags".to_owned(),
            3 => "from its spec".to_owned(),
            _ => format!("from the flags; {} from its spec", of_spec.join(" and ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use hpa_check_core::spec::{MetricSpec, TargetRef};

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        asserted: AssertedArgs,
    }

    /// The flags, as if typed.
    fn typed(line: &str) -> AssertedArgs {
        let words = std::iter::once("run").chain(line.split_whitespace());
        Cli::try_parse_from(words).unwrap().asserted
    }

    fn spec(target: &str) -> AutoscalerSpec {
        AutoscalerSpec {
            scale_target_ref: TargetRef::deployment(target),
            min_replicas: Some(2),
            max_replicas: 20,
            metrics: vec![MetricSpec::cpu_utilization(70)],
            behavior: None,
        }
    }

    fn numbers(line: &str, target: &str) -> [i32; 3] {
        let expected = typed(line).of(&spec(target)).unwrap();
        [
            expected.min_replicas,
            expected.max_replicas,
            expected.cpu_target_percent,
        ]
    }

    #[test]
    fn numbers_without_a_flag_come_from_the_autoscaler() {
        assert_eq!(numbers("", "cart"), [2, 20, 70]);
        assert_eq!(numbers("--expect-max 12", "cart"), [2, 12, 70]);
        assert_eq!(
            numbers("--expect spec --expect-cpu 60", "cart"),
            [2, 20, 60]
        );
    }

    #[test]
    fn fib_servers_autoscaler_is_expected_to_be_as_deployed_and_a_flag_expects_it_of_others() {
        assert_eq!(numbers("", "fib-server"), [3, 10, 50]);
        assert_eq!(numbers("--expect-max 8", "fib-server"), [3, 8, 50]);
        assert_eq!(numbers("--expect spec", "fib-server"), [2, 20, 70]);
        assert_eq!(numbers("--expect fib-server", "cart"), [3, 10, 50]);
    }

    #[test]
    fn one_line_says_what_is_expected_and_where_the_numbers_come_from() {
        let told = |line: &str, target: &str| {
            let (args, spec) = (typed(line), spec(target));
            args.told("shop/cart", &args.of(&spec).unwrap(), &spec)
        };
        assert_eq!(
            told("", "cart"),
            "shop/cart is expected to scale from 2 to 20 replicas and back at 70 % CPU (from its spec)"
        );
        assert_eq!(
            told(
                "--expect-max 12 --scale-down skip --metric queue=100",
                "cart"
            ),
            "shop/cart is expected to scale from 2 to 12 replicas at 70 % CPU, scaling on queue=100 \
             (from the flags; minimum and CPU target from its spec)"
        );
        assert!(
            told("", "fib-server")
                .ends_with("(fib-server's own settings; --expect spec uses the autoscaler's)")
        );
        assert!(
            told("--expect-min 1 --expect-max 2 --expect-cpu 3", "cart")
                .ends_with("(from the flags)")
        );
    }

    #[test]
    fn impossible_bounds_are_refused() {
        for line in ["--expect-min 0", "--expect-max 0", "--expect-cpu 0"] {
            let failure = typed(line).check().unwrap_err();
            assert!(
                failure.message.contains(line.split(' ').next().unwrap()),
                "{line}"
            );
        }
        assert!(typed("--expect-max 1").of(&spec("cart")).is_err());
        // An autoscaler whose own bounds leave no room is a finding, not a usage error.
        let mut fixed = spec("cart");
        fixed.min_replicas = Some(20);
        assert!(typed("").of(&fixed).is_ok());
    }
}
