//! The items of a list, extracted one at a time from its JSON as the bytes arrive.
//!
//! Only one item and the surrounding text are kept, so a whole cluster's list takes no more memory than one
//! page.

use memchr::{memchr2, memchr3};
use serde::Deserialize;

/// Extracts the items of one list.
#[derive(Default)]
pub(super) struct Items {
    place: Place,
    /// The part of an item that came in an earlier chunk.
    begun: Vec<u8>,
    /// Everything but the items.
    envelope: Vec<u8>,
}

/// The state of the parser before the next byte.
#[derive(Clone, Copy)]
enum Place {
    /// Outside the items, at this bracket depth.
    Envelope { depth: u32, text: Text, key: Key },
    /// Between two items.
    Between,
    /// In an item, at this brace depth.
    Item { depth: u32, text: Text },
}

impl Default for Place {
    fn default() -> Self {
        Self::Envelope {
            depth: 0,
            text: Text::Outside,
            key: Key::Other,
        }
    }
}

/// Whether the next byte is in a string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Outside,
    Inside,
    /// After a backslash.
    Escaped,
}

/// How much of `"items":` came just before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Other,
    Name,
    Colon,
}

/// The parts of a list other than its items.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    pub(super) metadata: PageMeta,
}

/// Where the list continues.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PageMeta {
    #[serde(default, rename = "continue")]
    pub(super) next: Option<String>,
}

impl Items {
    /// Parses the next bytes, and passes every completed item to `each`, which may stop it with an error.
    pub(super) fn feed<E>(
        &mut self,
        mut chunk: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while !chunk.is_empty() {
            let used = match self.place {
                Place::Envelope { depth, text, key } => self.surround(chunk, depth, text, key),
                Place::Between => self.between(chunk),
                Place::Item { depth, text } => {
                    let (used, place) = within(chunk, depth, text);
                    self.place = place;
                    let part = &chunk[..used];
                    if !matches!(place, Place::Between) {
                        self.begun.extend_from_slice(part);
                    } else if self.begun.is_empty() {
                        each(part)?;
                    } else {
                        self.begun.extend_from_slice(part);
                        each(&self.begun)?;
                        self.begun.clear();
                    }
                    used
                }
            };
            chunk = &chunk[used..];
        }
        Ok(())
    }

    /// The parts other than the items. A truncated answer is an error.
    pub(super) fn end(self) -> Result<Envelope, serde_json::Error> {
        serde_json::from_slice(&self.envelope)
    }

    /// One byte outside the items.
    fn surround(&mut self, chunk: &[u8], depth: u32, text: Text, key: Key) -> usize {
        let byte = chunk[0];
        self.envelope.push(byte);
        let closes = byte == b'"' && text == Text::Inside;
        let is_name = closes && depth == 1 && self.envelope.ends_with(b"\"items\"");
        let (depth, key) = match (text, byte) {
            (Text::Outside, b'[') if key == Key::Colon => {
                self.place = Place::Between;
                return 1;
            }
            (Text::Outside, b':') if key == Key::Name => (depth, Key::Colon),
            (Text::Outside, b'{' | b'[') => (depth + 1, Key::Other),
            (Text::Outside, b'}' | b']') => (depth.saturating_sub(1), Key::Other),
            (Text::Outside, b' ' | b'\t' | b'\n' | b'\r') => (depth, key),
            _ if is_name => (depth, Key::Name),
            _ => (depth, Key::Other),
        };
        let text = text.after(byte);
        self.place = Place::Envelope { depth, text, key };
        1
    }

    /// One byte between items, which begins an item or ends the list.
    fn between(&mut self, chunk: &[u8]) -> usize {
        match chunk[0] {
            // The item keeps its brace.
            b'{' => {
                self.place = Place::Item {
                    depth: 0,
                    text: Text::Outside,
                };
                0
            }
            byte => {
                if byte == b']' {
                    self.place = Place::Envelope {
                        depth: 1,
                        text: Text::Outside,
                        key: Key::Other,
                    };
                }
                if byte != b',' {
                    self.envelope.push(byte);
                }
                1
            }
        }
    }
}

impl Text {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Outside, b'"') | (Self::Escaped, _) => Self::Inside,
            (Self::Inside, b'\\') => Self::Escaped,
            (Self::Inside, b'"') => Self::Outside,
            (same, _) => same,
        }
    }
}

/// How many of the bytes belong to the item, and the state after them.
fn within(chunk: &[u8], mut depth: u32, mut text: Text) -> (usize, Place) {
    let mut at = 0;
    while at < chunk.len() {
        let rest = &chunk[at..];
        let found = match text {
            Text::Outside => memchr3(b'"', b'{', b'}', rest),
            Text::Inside => memchr2(b'"', b'\\', rest),
            Text::Escaped => Some(0),
        };
        let Some(found) = found else { break };
        let byte = rest[found];
        at += found + 1;
        match (text, byte) {
            (Text::Outside, b'{') => depth += 1,
            (Text::Outside, b'}') if depth == 1 => return (at, Place::Between),
            (Text::Outside, b'}') => depth -= 1,
            _ => text = text.after(byte),
        }
    }
    (chunk.len(), Place::Item { depth, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items and the token, with the bytes in chunks of this length.
    fn cut(text: &str, length: usize) -> (Vec<String>, Option<String>) {
        let mut items = Items::default();
        let mut found = Vec::new();
        for chunk in text.as_bytes().chunks(length) {
            let kept: Result<(), ()> = items.feed(chunk, |item| {
                found.push(String::from_utf8(item.to_vec()).unwrap());
                Ok(())
            });
            kept.unwrap();
        }
        (found, items.end().unwrap().metadata.next)
    }

    #[test]
    fn every_item_is_complete_however_the_bytes_are_split() {
        let list = r#"{"kind":"List", "metadata" : {"continue":"t", "items":[1]},
            "items" : [ {"a":{"b":"}]\"{\\"}}, {} ,{"items":[{"c":"ö"}]}
            ], "more":{"items":[{"no":1}]}}"#;
        let items = [r#"{"a":{"b":"}]\"{\\"}}"#, "{}", r#"{"items":[{"c":"ö"}]}"#];
        for length in 1..=list.len() {
            let (found, next) = cut(list, length);
            assert_eq!(found, items, "{length}");
            assert_eq!(next.as_deref(), Some("t"), "{length}");
        }
    }

    #[test]
    fn a_list_without_items_has_none() {
        for list in [
            r#"{"items":[]}"#,
            r#"{"items":null,"metadata":{}}"#,
            r#"{"kind":"items","metadata":{"continue":null}}"#,
        ] {
            assert_eq!(cut(list, 7), (Vec::new(), None), "{list}");
        }
    }

    #[test]
    fn a_truncated_answer_is_an_error() {
        for list in [
            "",
            r#"{"items":[{"a":1},{"b""#,
            r#"{"items":[{"a":1}]"#,
            "<html>",
        ] {
            let mut items = Items::default();
            let kept: Result<(), ()> = items.feed(list.as_bytes(), |_| Ok(()));
            kept.unwrap();
            assert!(items.end().is_err(), "{list}");
        }
    }
}
