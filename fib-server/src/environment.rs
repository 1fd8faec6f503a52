//! Variables that look like settings but are not: a typo must not silently become a default.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::CommandFactory;

use crate::args::Args;
use crate::config::BadConfig;

/// Refuses the first variable that has the prefix of a setting but is not one.
pub(crate) fn refuse_unknown_variables(
    names: impl Iterator<Item = OsString>,
) -> Result<(), BadConfig> {
    let command = Args::command();
    let known: BTreeSet<String> = command
        .get_arguments()
        .filter_map(|a| a.get_env()?.to_str().map(str::to_owned))
        .collect();
    for name in names {
        let Some(name) = name.to_str() else { continue };
        if name.starts_with("FIB_") && !known.contains(name) && !is_service_link(name) {
            let nearest = known
                .iter()
                .max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
            let hint = nearest.map_or_else(String::new, |n| format!("; did you mean {n}?"));
            return Err(BadConfig(format!(
                "the variable {name} is not a setting{hint}"
            )));
        }
    }
    Ok(())
}

/// The variables that Kubernetes adds for a Service named `fib-…`.
fn is_service_link(name: &str) -> bool {
    let is_port = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_PORT")
        || name.contains("_SERVICE_PORT_")
        || name
            .split_once("_PORT_")
            .is_some_and(|(_, rest)| is_port(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> Option<String> {
        refuse_unknown_variables([OsString::from(name)].into_iter())
            .err()
            .map(|e| e.0)
    }

    #[test]
    fn an_unknown_variable_is_refused_and_the_nearest_setting_is_suggested() {
        let refused = refused("FIB_MAXN").unwrap();
        assert!(
            refused.contains("FIB_MAXN") && refused.contains("FIB_MAX_N?"),
            "{refused}"
        );
    }

    #[test]
    fn settings_and_everything_else_pass() {
        for name in [
            "FIB_MAX_N",
            "FIB_CONFIG",
            "FIB_EXIT_WITH_STDIN",
            "HOME",
            "FIBER_X",
        ] {
            assert_eq!(refused(name), None, "{name}");
        }
    }

    #[test]
    fn kubernetes_service_links_pass() {
        for name in [
            "FIB_SERVER_SERVICE_HOST",
            "FIB_SERVER_SERVICE_PORT",
            "FIB_SERVER_SERVICE_PORT_HTTP",
            "FIB_SERVER_PORT",
            "FIB_SERVER_PORT_80_TCP",
            "FIB_SERVER_PORT_80_TCP_ADDR",
            "FIB_SERVER_PORT_80_TCP_PROTO",
        ] {
            assert_eq!(refused(name), None, "{name}");
        }
    }
}
