//! The same numbers in the text format that Prometheus had before `OpenMetrics`, for whoever does not ask for that one.

use std::fmt::Write as _;

/// Its media type.
pub const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text of `OpenMetrics` in it: families have the names of their samples, it knows neither `info` nor units, and the end is the end.
/// Nothing that is said about a family has a quotation mark, the one sign that the two write differently.
pub fn classic(open: &str) -> String {
    let (mut text, mut help) = (String::with_capacity(open.len()), "");
    for line in open.lines() {
        let Some(said) = line.strip_prefix("# ") else {
            let _ = writeln!(text, "{line}");
            continue;
        };
        let mut words = said.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            // What a family is called is known once its type is.
            (Some("HELP"), Some(_), Some(words)) => help = words,
            (Some("TYPE"), Some(name), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    "unknown" => ("", "untyped"),
                    other => ("", other),
                };
                let _ = writeln!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn families_are_called_as_their_samples_are() {
        let open = "# HELP a_build The program.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
                    # HELP a_calls Calls, and more.\n# TYPE a_calls counter\na_calls_total{kind=\"# x\"} 2\n\
                    # HELP a_seconds How long.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
                    a_seconds_bucket{le=\"+Inf\"} 1\na_seconds_sum 0.5\na_seconds_count 1\n# EOF\n";
        let wanted = "# HELP a_build_info The program.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
                      # HELP a_calls_total Calls, and more.\n# TYPE a_calls_total counter\na_calls_total{kind=\"# x\"} 2\n\
                      # HELP a_seconds How long.\n# TYPE a_seconds histogram\n\
                      a_seconds_bucket{le=\"+Inf\"} 1\na_seconds_sum 0.5\na_seconds_count 1\n";
        assert_eq!(super::classic(open), wanted);
    }
}
