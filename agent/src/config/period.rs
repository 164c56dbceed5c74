//! Lengths of time, as people write them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// A length of time, written `90s`, `10m`, `1h 30m`: from a second to a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Period(pub Duration);

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let period = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        let allowed = Duration::from_secs(1)..=Duration::from_hours(24 * 366);
        let is_length = period.filter(|period| allowed.contains(period));
        is_length.map(Self).ok_or_else(|| format!("`{text}` is no length of time such as `90s`, `10m` or `1h`"))
    }
}
