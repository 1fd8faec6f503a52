//! Flags that are times: always with a unit, and a bare number is seconds.

use std::ops::RangeInclusive;
use std::time::Duration;

pub(crate) use hpa_check_core::duration::parse as duration;

/// A time within bounds, in seconds.
pub(crate) fn within(
    seconds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    let (least, most) = seconds.into_inner();
    move |text| {
        let time = duration(text)?;
        let fits = time >= Duration::from_secs(least) && time <= Duration::from_secs(most);
        fits.then_some(time)
            .ok_or_else(|| format!("{text} is not in {least}s..={most}s"))
    }
}
