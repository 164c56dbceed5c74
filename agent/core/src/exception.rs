//! Exceptions from rules, as a manifest names them: for soft rules, with a reason and a last day. Rules see no clock and no
//! exceptions; what they found is gone through afterwards, here.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::allowed::{Finding, Level};

/// The id of findings about exceptions themselves.
pub const RULE: &str = "exception";

/// One exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// The rule's id.
    pub rule: String,
    /// The component that it is for: `load_balancer.edge`.
    pub component: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, by UTC.
    pub until: Date,
}

/// Why a finding is not in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excepted {
    /// The reason that the manifest gives.
    pub reason: String,
    /// The last day on which that holds.
    pub until: Date,
    /// Which of the manifest's exceptions says so.
    pub exception: usize,
}

/// The rules that there are.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// All, by id.
    pub all: BTreeSet<&'a str>,
    /// Those that were asked.
    pub asked: BTreeSet<&'a str>,
}

/// Goes through what rules found: what is excepted on this day says so, and what is in the way although an exception names it says
/// why. Exceptions that have nothing to do are findings of their own, as advice.
pub fn applied(found: Vec<Finding>, exceptions: &[Exception], known: &Known<'_>, today: Date) -> Vec<Finding> {
    let mut used = BTreeSet::new();
    let found = found.into_iter().map(|finding| {
        let fits = |one: &Exception| one.rule == finding.rule && Some(one.component.as_str()) == component(&finding);
        let Some(n) = exceptions.iter().position(fits) else { return finding };
        used.insert(n);
        of(finding, n, &exceptions[n], today)
    });
    let mut found: Vec<Finding> = found.collect();
    let idle = exceptions.iter().enumerate().filter(|(n, _)| !used.contains(n));
    found.extend(idle.filter_map(|(n, exception)| idle_finding(n, exception, known)));
    found
}

fn component(finding: &Finding) -> Option<&str> {
    finding.component.as_deref().or_else(|| finding.address.as_ref().map(Address::component))
}

fn of(mut finding: Finding, n: usize, exception: &Exception, today: Date) -> Finding {
    let mut and = |more: String| {
        let first = finding.hint.take().map(|hint| format!("{hint}; ")).unwrap_or_default();
        finding.hint = Some(first + &more);
    };
    let until = exception.until;
    if finding.level == Level::Hard {
        and("the exception for it does nothing, because this is a hard rule".to_owned());
    } else if until < today {
        and(format!("the exception for it ended on {until}"));
    } else {
        finding.excepted = Some(Excepted { reason: exception.reason.clone(), until, exception: n });
    }
    finding
}

fn idle_finding(n: usize, exception: &Exception, known: &Known<'_>) -> Option<Finding> {
    let Exception { rule, component, .. } = exception;
    let (key, message, hint) = if !known.all.contains(rule.as_str()) {
        let near = crate::manifest::suggest::nearest(rule, known.all.iter().copied());
        let near = near.map(|near| format!("; is `{near}` meant?")).unwrap_or_default();
        ("rule", format!("there is no rule `{rule}`{near}"), "`agent policy list` shows the rules".to_owned())
    } else if known.asked.contains(rule.as_str()) {
        let message = format!("the exception does nothing: `{rule}` has nothing against `{component}`");
        ("rule", message, "take it away".to_owned())
    } else {
        return None;
    };
    Some(Finding {
        rule: RULE.to_owned(),
        level: Level::Advisory,
        key: vec![key.to_owned()],
        message,
        hint: Some(hint),
        exception: Some(n),
        ..Finding::default()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn finding(rule: &str, level: Level, component: &str) -> Finding {
        let (rule, component) = (rule.to_owned(), Some(component.to_owned()));
        Finding { rule, level, component, hint: Some("mend it".into()), ..Finding::default() }
    }

    fn exception(rule: &str, component: &str) -> Exception {
        let (rule, component) = (rule.to_owned(), component.to_owned());
        Exception { rule, component, reason: "old clients".into(), until: "2026-12-31".parse().unwrap() }
    }

    fn on(day: &str, found: Vec<Finding>, exceptions: &[Exception]) -> Vec<Finding> {
        let known = Known { all: ["tls", "logs", "plan"].into(), asked: ["tls", "logs"].into() };
        applied(found, exceptions, &known, day.parse().unwrap())
    }

    #[test]
    fn a_soft_finding_is_not_in_the_way_through_its_last_day() {
        let all = || vec![finding("tls", Level::Soft, "load_balancer.edge")];
        let exceptions = [exception("tls", "load_balancer.edge")];
        let found = on("2026-12-31", all(), &exceptions);
        assert!(!found[0].refuses());
        assert_eq!(found[0].excepted.as_ref().unwrap().reason, "old clients");
        let found = on("2027-01-01", all(), &exceptions);
        assert!(found[0].refuses());
        assert_eq!(found[0].hint.as_deref(), Some("mend it; the exception for it ended on 2026-12-31"));
    }

    #[test]
    fn an_open_question_of_a_soft_rule_can_be_excepted_too() {
        let open = Finding { unknown: Some("the routes".into()), ..finding("tls", Level::Soft, "service.web") };
        let found = on("2026-01-01", vec![open], &[exception("tls", "service.web")]);
        assert!(!found[0].is_open());
    }

    #[test]
    fn a_hard_rule_has_no_exceptions() {
        let found = on("2026-01-01", vec![finding("tls", Level::Hard, "a.b")], &[exception("tls", "a.b")]);
        assert!(found[0].refuses());
        assert!(found[0].hint.as_deref().unwrap().ends_with("because this is a hard rule"));
    }

    #[test]
    fn another_component_or_rule_is_not_meant() {
        let exceptions = [exception("tls", "a.c"), exception("logs", "a.b")];
        let found = on("2026-01-01", vec![finding("tls", Level::Soft, "a.b")], &exceptions);
        assert!(found[0].refuses());
        assert_eq!(found.len(), 3, "both exceptions do nothing");
    }

    #[test]
    fn what_does_nothing_is_told_where_it_stands_and_only_if_its_rule_was_asked() {
        let exceptions = [exception("plan", "a.b"), exception("tls", "a.b"), exception("tsl", "a.b")];
        let found = on("2026-01-01", Vec::new(), &exceptions);
        let told: Vec<(Option<usize>, &str)> = found.iter().map(|f| (f.exception, f.message.as_str())).collect();
        assert_eq!(
            told,
            [
                (Some(1), "the exception does nothing: `tls` has nothing against `a.b`"),
                (Some(2), "there is no rule `tsl`; is `tls` meant?"),
            ]
        );
        assert!(found.iter().all(|finding| !finding.refuses()));
    }
}
