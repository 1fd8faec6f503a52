//! What to know before trusting the numbers.

use super::addresses;
use crate::result::Totals;
use crate::settings::Settings;
use crate::user::Load;

/// Warnings to read before trusting the numbers.
pub(super) fn warnings(settings: &Settings, load: &Load, totals: &Totals) -> Vec<String> {
    let mut warnings = settings.warnings.clone();
    if totals.cached > 0 {
        warnings.push(format!(
            "{} answers came from a cache (they have an Age), so they prove nothing about the server",
            totals.cached
        ));
    }
    let addresses = addresses(load);
    let used = addresses
        .iter()
        .filter(|address| address.connections > 0)
        .count();
    let known = addresses.len().max(load.connector.addresses_known());
    let opened: u64 = addresses.iter().map(|address| address.connections).sum();
    if used == 1 && known > 1 && opened > 1 {
        warnings.push(format!(
            "one of {known} addresses got all {opened} connections: {}",
            addresses[0].address
        ));
    } else if known > 1 && used < known {
        warnings.push(format!("only {used} of {known} addresses got a connection"));
    }
    warnings.extend(
        addresses
            .iter()
            .filter(|address| known > 1 && address.failed > 0)
            .map(|address| {
                format!(
                    "{} of {} connections to {} failed, and the next address was tried",
                    address.failed,
                    address.failed + address.connections,
                    address.address
                )
            }),
    );
    warnings
}
