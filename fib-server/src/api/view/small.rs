//! Stored answers for the smallest numbers. They are constants, so each is written once per process.

use std::sync::LazyLock;

use fib_numbers::Index;

use super::Format;
use super::coding::Coding;

/// An answer.
#[derive(Debug)]
pub(crate) struct Small {
    /// Its entity tag.
    pub(crate) tag: String,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

/// The formats, in the order in which [`SMALL`] has them.
const FORMATS: [Format; 3] = [Format::Json, Format::Text, Format::Hex];

/// By number and format: about 600 short texts.
static SMALL: LazyLock<Vec<[Small; FORMATS.len()]>> = LazyLock::new(|| {
    let answers = |n: u64| {
        let index = Index::parse(itoa::Buffer::new().format(n), n).ok()?;
        let value = fib_numbers::small(index)?;
        Some(FORMATS.map(|format| Small {
            tag: format.tag(index, Coding::Identity),
            body: format.body_of(index, value),
        }))
    };
    (0..).map_while(answers).collect()
});

/// The stored answer for a small number; `None` for a larger one.
pub(crate) fn answer(index: Index, format: Format) -> Option<&'static Small> {
    let formats = SMALL.get(usize::try_from(index.get()).ok()?)?;
    Some(&formats[format as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stored_answer_equals_the_computed_one() {
        for n in 0..=190 {
            let index = Index::parse(&n.to_string(), n).unwrap();
            for format in FORMATS {
                let value = fib_numbers::small(index);
                let written = value.map(|value| format.body_of(index, value));
                let answer = answer(index, format);
                assert_eq!(answer.map(|a| &a.body), written.as_ref(), "{n} {format:?}");
                let tag = format.tag(index, Coding::Identity);
                assert!(answer.is_none_or(|a| a.tag == tag), "{n} {format:?}");
            }
        }
    }
}
