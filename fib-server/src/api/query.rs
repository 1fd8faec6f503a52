//! Parses the query of `/get` strictly: a parameter that matters may occur once and must be valid. Parameters
//! with other names are ignored, so that a client may add one to bypass a cache.

use std::borrow::Cow;

use super::problem::Problem;
use super::view::Format;
use fib_numbers::{BadIndex, Index};

/// A parsed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// F(n).
    Number(Index, Format),
    /// F(0) to F(n).
    Sequence(Index),
}

/// The limits on n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexLimits {
    /// Of a single number.
    pub max_n: u64,
    /// Of a sequence.
    pub max_sequence_n: u64,
}

impl Ask {
    /// Parses the query (percent-decoded, `+` for a space) and the `Accept` header.
    pub fn parse(query: &str, accept: Option<&str>, limits: IndexLimits) -> Result<Self, Problem> {
        let Parameters {
            n,
            format,
            sequence,
        } = Parameters::read(query)?;
        let sequence = match sequence.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(Problem::parameter(
                    "sequence",
                    "it is neither true nor false",
                    "true or false",
                ));
            }
        };
        let format = match format.as_deref() {
            None => None,
            Some("json") => Some(Format::Json),
            Some("text") => Some(Format::Text),
            Some("hex") => Some(Format::Hex),
            Some(_) => {
                return Err(Problem::parameter(
                    "format",
                    "it is not a format of this service",
                    "json, text or hex",
                ));
            }
        };
        if sequence && format.is_some_and(|f| f != Format::Json) {
            return Err(Problem::parameter(
                "format",
                "a sequence is not available in it",
                "json, or no format, with sequence=true",
            ));
        }
        let max = if sequence {
            limits.max_sequence_n
        } else {
            limits.max_n
        };
        let index = index(n.as_deref(), max)?;
        Ok(if sequence {
            Self::Sequence(index)
        } else {
            Self::Number(index, format.unwrap_or_else(|| Format::accepted(accept)))
        })
    }
}

fn index(n: Option<&str>, max: u64) -> Result<Index, Problem> {
    let wrong = |how: &str| {
        let allowed = format!("a whole number from 0 to {max} in plain digits");
        Problem::parameter("n", how, &allowed)
    };
    let n = n.ok_or_else(|| wrong("it is missing"))?;
    Index::parse(n, max).map_err(|bad| match bad {
        BadIndex::AboveMax { max } => Problem::above_limit("n", max),
        _ => wrong(&bad.to_string()),
    })
}

/// The parameters that matter, as sent.
#[derive(Default)]
struct Parameters<'q> {
    n: Option<Cow<'q, str>>,
    format: Option<Cow<'q, str>>,
    sequence: Option<Cow<'q, str>>,
}

impl<'q> Parameters<'q> {
    /// Reads them in one pass; an error if one occurs more than once.
    fn read(query: &'q str) -> Result<Self, Problem> {
        let mut all = Self::default();
        // The usual form, in which nothing is encoded.
        if let Some(n) = query.strip_prefix("n=")
            && n.bytes().all(|b| b.is_ascii_digit())
        {
            all.n = Some(Cow::Borrowed(n));
            return Ok(all);
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "n" => &mut all.n,
                "format" => &mut all.format,
                "sequence" => &mut all.sequence,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Problem::parameter(
                    &name,
                    "it occurs more than once",
                    "one value",
                ));
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: IndexLimits = IndexLimits {
        max_n: 1_000,
        max_sequence_n: 100,
    };

    fn parse(query: &str) -> Result<Ask, u16> {
        Ask::parse(query, None, LIMITS).map_err(|p| p.status.as_u16())
    }

    fn number(n: &str, format: Format) -> Ask {
        Ask::Number(Index::parse(n, u64::MAX).unwrap(), format)
    }

    #[test]
    fn a_plain_number_is_read() {
        assert_eq!(parse("n=90"), Ok(number("90", Format::Json)));
        assert_eq!(parse("n=%39%30"), Ok(number("90", Format::Json)));
        assert_eq!(
            parse("cache=buster&n=90&format=hex"),
            Ok(number("90", Format::Hex))
        );
    }

    #[test]
    fn every_malformed_number_is_refused() {
        for n in [
            "", "-1", "1.5", "1e3", "+1", "%2B1", "%201", " 1", "0x10", "abc", "1%00", "%FF", "007",
        ] {
            assert_eq!(parse(&format!("n={n}")), Err(400), "{n:?}");
        }
        assert_eq!(parse(""), Err(400));
        assert_eq!(parse("n=1&n=2"), Err(400));
        assert_eq!(parse(&format!("n={}", "9".repeat(10_000))), Err(400));
    }

    #[test]
    fn a_number_above_the_limit_is_unprocessable() {
        assert_eq!(parse("n=1001"), Err(422));
        assert_eq!(parse("n=101&sequence=true"), Err(422));
        assert_eq!(parse("n=18446744073709551616"), Err(422));
    }

    #[test]
    fn unknown_values_of_known_parameters_are_refused() {
        assert_eq!(parse("n=1&format=xml"), Err(400));
        assert_eq!(parse("n=1&sequence=yes"), Err(400));
        assert_eq!(parse("n=1&format=hex&format=hex"), Err(400));
        assert_eq!(parse("n=1&sequence=true&format=hex"), Err(400));
    }

    #[test]
    fn a_sequence_is_requested_with_true() {
        assert_eq!(
            parse("n=10&sequence=true"),
            Ok(Ask::Sequence(Index::parse("10", 10).unwrap()))
        );
        assert_eq!(parse("n=10&sequence=false"), Ok(number("10", Format::Json)));
    }

    proptest! {
        #[test]
        fn no_query_makes_the_parser_panic(query in "\\PC*") {
            let _ = parse(&query);
        }

        #[test]
        fn what_is_not_plain_digits_is_never_a_number(n in "[0-9+\\-. eExX]{1,12}") {
            let plain = n.bytes().all(|b| b.is_ascii_digit()) && (n.len() == 1 || !n.starts_with('0'));
            let encoded: String = form_urlencoded::byte_serialize(n.as_bytes()).collect();
            let read = parse(&format!("n={encoded}"));
            prop_assert_eq!(read.is_ok() || read == Err(422), plain);
        }
    }
}
