//! Amounts of CPU and memory in a manifest.

use serde_json::Value;

use crate::quantity::Quantity;
use crate::spec::Amounts;
use crate::units::{Bytes, Millicores};

/// Reads a map of resources. The error is the end of a sentence that begins with whose they are.
pub(super) fn amounts(value: &Value) -> Result<Amounts, String> {
    let quantity = |resource: &str| {
        let text = match &value[resource] {
            Value::Null => return Ok(None),
            Value::String(text) => text.clone(),
            number => number.to_string(),
        };
        let amount: Option<Quantity> = text.parse().ok();
        let amount =
            amount.ok_or_else(|| format!("`{text}` for {resource}, which is not a quantity"))?;
        if amount.milli() < 0 {
            return Err(format!("`{text}` for {resource}: expected at least 0"));
        }
        Ok(Some(amount))
    };
    Ok(Amounts {
        cpu: quantity("cpu")?.map(|q| Millicores(q.milli())),
        memory: quantity("memory")?.map(Bytes),
    })
}
