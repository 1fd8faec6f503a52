//! The one autoscaler that a command works on, as an argument or a flag.

/// The flags; `#[command(flatten)]` them.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct NameArgs {
    /// The autoscaler [default: the only one in the namespace]
    #[arg(index = 1, value_name = "NAME", conflicts_with = "autoscaler", value_parser = autoscaler)]
    name: Option<String>,
    /// The autoscaler, as a flag
    #[arg(long, value_name = "NAME", value_parser = autoscaler, help_heading = "Cluster")]
    autoscaler: Option<String>,
}

impl NameArgs {
    /// The name from either the argument or the flag.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.autoscaler.as_deref())
    }
}

/// Parses a name, with or without the prefix that kubectl prints: `cart`, `hpa/cart`,
/// `horizontalpodautoscaler.autoscaling/cart`.
pub(crate) fn autoscaler(text: &str) -> Result<String, String> {
    let name = match text.split_once('/') {
        Some((kind, name)) if is_kind(kind) => name,
        _ => text,
    };
    // The characters of names in the API: RFC 1123.
    let possible = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if name.is_empty() || !name.chars().all(possible) {
        return Err(format!(
            "`{text}` is not an autoscaler's name: write it as kubectl shows it, such as cart or hpa/cart"
        ));
    }
    Ok(name.to_owned())
}

fn is_kind(text: &str) -> bool {
    let kind = text.split('.').next().unwrap_or_default().to_lowercase();
    ["hpa", "horizontalpodautoscaler", "horizontalpodautoscalers"].contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_written_as_kubectl_prints_it() {
        for text in [
            "cart",
            "hpa/cart",
            "HPA/cart",
            "horizontalpodautoscaler.autoscaling/cart",
            "horizontalpodautoscalers.v2.autoscaling/cart",
        ] {
            assert_eq!(autoscaler(text).unwrap(), "cart", "{text}");
        }
        for text in ["deployment/cart", "hpa/", "", "*", "Cart", "$(x)"] {
            assert!(autoscaler(text).is_err(), "{text}");
        }
    }
}
