//! Texts with placeholders that are filled in for each request: `{{counter}}`, `{{random:1..100}}` and so on.

use std::borrow::Cow;

use crate::chance::{self, Purpose};

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq)]
pub struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(String),
    Counter,
    User,
    Random(u64, u64),
    Pick(Vec<String>),
    Uuid,
    Timestamp,
}

/// The request for which a text is filled in.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the request.
    pub index: u64,
    /// The number of the user.
    pub user: u64,
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Which text of the request.
    text: u64,
}

impl Place {
    /// The path of a request.
    pub fn new(seed: u64, index: u64, user: u64, now_ms: i64) -> Self {
        Self {
            seed,
            index,
            user,
            now_ms,
            text: 0,
        }
    }

    pub(super) fn in_body(self) -> Self {
        Self { text: 1, ..self }
    }

    pub(super) fn in_header(self, at: usize) -> Self {
        Self {
            text: 2 + at as u64,
            ..self
        }
    }

    /// The draw for the `at`-th piece: the same in every run with this seed.
    fn bits(&self, at: usize, half: u64) -> u64 {
        let stream =
            self.seed ^ (self.text << 32 | (at as u64) << 1 | half).wrapping_mul(0x9e37_79b9);
        chance::bits(stream, Purpose::Template, self.index)
    }
}

impl Text {
    /// Finds the placeholders.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, behind) = after
                .split_once("}}")
                .ok_or_else(|| format!("`{text}` has a {{{{ without its }}}}"))?;
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::parse(name.trim())?);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// A text without placeholders, whatever it contains.
    pub fn literal(text: &str) -> Self {
        Self(vec![Piece::Literal(text.to_owned())])
    }

    /// Fills in the placeholders.
    pub fn fill(&self, place: &Place) -> Cow<'_, str> {
        match self.0.as_slice() {
            [] => Cow::Borrowed(""),
            [Piece::Literal(text)] => Cow::Borrowed(text),
            pieces => pieces
                .iter()
                .enumerate()
                .map(|(at, piece)| piece.fill(place, at))
                .collect::<String>()
                .into(),
        }
    }
}

impl Piece {
    fn parse(name: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{{{{{name}}}}}` is not a placeholder: write {{{{counter}}}}, {{{{user}}}}, {{{{random:1..100}}}}, {{{{pick:a,b,c}}}}, {{{{uuid}}}} or {{{{timestamp}}}}"
            )
        };
        Ok(match name.split_once(':') {
            None => match name {
                "counter" => Self::Counter,
                "user" => Self::User,
                "uuid" => Self::Uuid,
                "timestamp" => Self::Timestamp,
                _ => return Err(bad()),
            },
            Some(("random", span)) => {
                let (low, high) = span.split_once("..").ok_or_else(bad)?;
                let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad());
                let (low, high) = (number(low)?, number(high.trim_start_matches('='))?);
                if low > high {
                    return Err(bad());
                }
                Self::Random(low, high)
            }
            Some(("pick", list)) => {
                Self::Pick(list.split(',').map(|one| one.trim().to_owned()).collect())
            }
            Some(_) => return Err(bad()),
        })
    }

    fn fill(&self, place: &Place, at: usize) -> Cow<'_, str> {
        match self {
            Self::Literal(text) => Cow::Borrowed(text),
            Self::Counter => place.index.to_string().into(),
            Self::User => place.user.to_string().into(),
            Self::Timestamp => place.now_ms.to_string().into(),
            Self::Random(low, high) => {
                let width = u128::from(high - low) + 1;
                let offset = ((u128::from(place.bits(at, 0)) * width) >> 64) as u64;
                (low + offset).to_string().into()
            }
            Self::Pick(list) => {
                #[expect(clippy::cast_possible_truncation, reason = "a place in a list")]
                let chosen = (place.bits(at, 0) % list.len() as u64) as usize;
                Cow::Borrowed(&list[chosen])
            }
            Self::Uuid => uuid(place.bits(at, 0), place.bits(at, 1)).into(),
        }
    }
}

/// A random UUID, version 4 (RFC 9562).
fn uuid(high: u64, low: u64) -> String {
    let bits = u128::from(high) << 64 | u128::from(low);
    let bits = bits & !(0xf000 << 64 | 0xc000 << 48) | 0x4000 << 64 | 0x8000 << 48;
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, index: u64) -> String {
        let place = Place::new(42, index, 7, 1_234);
        Text::parse(text).unwrap().fill(&place).into_owned()
    }

    #[test]
    fn placeholders_are_filled_in_and_the_rest_stays() {
        assert_eq!(filled("/items", 5), "/items");
        assert_eq!(
            filled("/items/{{counter}}?u={{ user }}&t={{timestamp}}", 5),
            "/items/5?u=7&t=1234"
        );
        assert_eq!(filled("{{pick:a}}", 0), "a");
    }

    #[test]
    fn random_values_keep_their_bounds_and_are_the_same_for_one_seed() {
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..200 {
            let text = filled("{{random:3..5}}", index);
            assert_eq!(text, filled("{{random:3..5}}", index));
            seen.insert(text);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["3", "4", "5"]);
        let pair = filled("{{random:0..1000000}} {{random:0..1000000}}", 1);
        let (a, b) = pair.split_once(' ').unwrap();
        assert_ne!(a, b);
    }

    #[test]
    fn a_uuid_is_marked_as_random() {
        let text = filled("{{uuid}}", 1);
        assert_eq!((text.len(), text.as_bytes()[14]), (36, b'4'));
        assert!(b"89ab".contains(&text.as_bytes()[19]));
        assert_ne!(text, filled("{{uuid}}", 2));
    }

    #[test]
    fn an_invalid_placeholder_is_refused() {
        for text in [
            "{{",
            "{{x}}",
            "{{random:5..1}}",
            "{{random:a..b}}",
            "{{random}}",
        ] {
            assert!(Text::parse(text).is_err(), "{text}");
        }
    }
}
