//! A case read straight from its line. Most are of exactly the form that their kind has, and parsing them into
//! values first would take several times as long as deciding them.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::input;

/// One case.
pub(super) struct Case {
    pub(super) id: Value,
    pub(super) input: Input,
}

/// A case's data, by its kind.
pub(super) enum Input {
    ResourceReplicas(input::ResourceReplicas),
    Reconcile(Box<input::ReconcileInput>),
    Convert(input::Convert),
    Stabilize(input::Stabilize),
}

/// What a case asks for.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    ResourceReplicas,
    Reconcile,
    ConvertWithBehaviorRate,
    StabilizeWithBehaviors,
}

/// Reads the data of a case of this kind.
impl<'de> DeserializeSeed<'de> for Kind {
    type Value = Input;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Input, D::Error> {
        Ok(match self {
            Self::ResourceReplicas => Input::ResourceReplicas(Deserialize::deserialize(input)?),
            Self::Reconcile => Input::Reconcile(Deserialize::deserialize(input)?),
            Self::ConvertWithBehaviorRate => Input::Convert(Deserialize::deserialize(input)?),
            Self::StabilizeWithBehaviors => Input::Stabilize(Deserialize::deserialize(input)?),
        })
    }
}

#[derive(Deserialize)]
struct Head {
    kind: Kind,
}

/// Reads a line whose members are all of their own type; `None` for any other.
pub(super) fn read(line: &str) -> Option<Case> {
    seeded(line, None).or_else(|| {
        // The kind may come after the input.
        let head: Head = serde_json::from_str(line).ok()?;
        seeded(line, Some(head.kind))
    })
}

fn seeded(line: &str, kind: Option<Kind>) -> Option<Case> {
    let mut json = serde_json::Deserializer::from_str(line);
    let case = CaseOf { kind }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(case)
}

/// A case, of this kind if it is known before.
struct CaseOf {
    kind: Option<Kind>,
}

impl<'de> DeserializeSeed<'de> for CaseOf {
    type Value = Case;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Case, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for CaseOf {
    type Value = Case;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a case")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Case, A::Error> {
        let (mut id, mut input) = (Value::Null, None);
        while let Some(name) = members.next_key::<&str>()? {
            match name {
                "id" => id = members.next_value()?,
                "kind" if input.is_none() => self.kind = Some(members.next_value()?),
                "input" => {
                    let kind = self.kind.ok_or_else(|| Error::missing_field("kind"))?;
                    input = Some(members.next_value_seed(kind)?);
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        let input = input.ok_or_else(|| Error::missing_field("input"))?;
        Ok(Case { id, input })
    }
}
