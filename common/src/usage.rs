//! Explains values that a program can't parse: the standard library's errors say neither what was expected nor
//! what to write.

use std::error::Error as _;
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use clap::Error;
use clap::error::{ContextKind, ErrorKind};

/// The error with the parser's text replaced.
#[must_use]
pub fn explained(error: Error) -> Error {
    let expected = error.source().and_then(expected);
    let context = |kind| error.get(kind).map(ToString::to_string);
    let named = context(ContextKind::InvalidArg).zip(context(ContextKind::InvalidValue));
    match (error.kind(), expected, named) {
        (ErrorKind::ValueValidation, Some(expected), Some((flag, value))) => Error::raw(
            ErrorKind::ValueValidation,
            format!(
                "invalid value '{value}' for '{flag}': expected {expected}\n\nFor more information, try '--help'.\n"
            ),
        ),
        _ => error,
    }
}

fn expected(source: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if let Some(number) = source.downcast_ref::<ParseIntError>() {
        return Some(match number.kind() {
            IntErrorKind::PosOverflow => "a smaller whole number",
            IntErrorKind::NegOverflow => "a larger whole number",
            _ => "a whole number, such as 10",
        });
    }
    if source.is::<ParseFloatError>() {
        return Some("a number, such as 1.5");
    }
    let address = "an address and a port, such as 127.0.0.1:8000";
    source.is::<AddrParseError>().then_some(address)
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, value_parser};

    use super::*;

    fn said(value: &str) -> String {
        let command = Command::new("x")
            .arg(
                Arg::new("n")
                    .long("users")
                    .value_name("COUNT")
                    .value_parser(value_parser!(i32)),
            )
            .arg(
                Arg::new("at")
                    .long("at")
                    .value_parser(value_parser!(std::net::SocketAddr)),
            )
            .arg(
                Arg::new("f")
                    .long("factor")
                    .value_parser(value_parser!(f64)),
            );
        let error = command.try_get_matches_from(["x", value]).unwrap_err();
        explained(error).to_string()
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_reported_with_what_was_expected() {
        for (value, expected) in [
            (
                "--users=abc",
                "'abc' for '--users <COUNT>': expected a whole number",
            ),
            (
                "--users=",
                "'' for '--users <COUNT>': expected a whole number",
            ),
            (
                "--users=99999999999999999999",
                "expected a smaller whole number",
            ),
            (
                "--at=8000",
                "expected an address and a port, such as 127.0.0.1:8000",
            ),
            ("--factor=x", "expected a number"),
        ] {
            assert!(said(value).contains(expected), "{}", said(value));
        }
    }
}
