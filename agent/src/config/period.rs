//! Lengths of time, as people write them.

use std::time::Duration;

use agent_core::manifest::decode::schema_of;
use agent_core::manifest::schema;
use agent_core::manifest::tree::{Node, Value};
use agent_core::source::{Problem, Problems};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Config;

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

/// Where lengths of time stand in a source.
const OF_A_SOURCE: [&str; 3] = ["interval", "timeout", "stale"];

/// Whether all lengths of time are some. Where one is not, all of those are told, and what else the schema finds: decoding would
/// end at the first one.
pub(super) fn are_sound(config: &Node, problems: &mut Problems) -> bool {
    let sources: Vec<&Node> = match config.child("source") {
        Some(Node { value: Value::Array(sources), .. }) => sources.iter().collect(),
        source => source.into_iter().collect(),
    };
    let of_sources = sources.iter().flat_map(|source| OF_A_SOURCE.iter().filter_map(|key| source.child(key)));
    let drift = config.child("reconcile").and_then(|reconcile| reconcile.child("drift"));
    let before = problems.len();
    for node in of_sources.chain(drift) {
        if let Some(Err(why)) = node.as_str().map(|text| Period::try_from(text.to_owned())) {
            problems.push(Problem::new("invalid-value", why).at(&node.span).hint("from a second to a year"));
        }
    }
    let are_sound = problems.len() == before;
    if !are_sound {
        schema::check(schema_of::<Config>(), config, "config", &[], problems);
    }
    are_sound
}

#[cfg(test)]
mod tests {
    use super::super::tests::of;

    #[test]
    fn every_length_of_time_that_is_none_is_told_at_its_place() {
        let source = "[[source]]\nurl = \"/srv/a\"\ntimeout = \"soon\"\ninterval = \"0s\"\nintervall = \"5m\"\n";
        let text = format!("{source}[[source]]\nurl = \"/srv/b\"\nstale = \"10y\"\n[reconcile]\ndrift = \"often\"\n");
        let told = of(&text).unwrap_err();
        for words in [
            "`soon` is no length",
            "`0s` is no length",
            "`10y` is no length",
            "`often` is no length",
            "unknown key `intervall`",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        for line in [3, 4, 5, 8, 10] {
            assert!(told.contains(&format!("agent.toml:{line}:")), "{line}: {told}");
        }
        assert!(of("[source]\nurl = \"/srv/a\"\ntimeout = \"90s\"\n").is_ok());
    }
}
