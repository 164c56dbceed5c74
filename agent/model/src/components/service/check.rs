//! What can be said about a service's keys before anything else is known.

use super::config::{Config, Expose, HTTP, Image, Strategy};
use super::{expose, item};
use crate::components::load_balancer::routes::LONGEST;
use crate::components::{Place, list};
use crate::kinds::ecs::task_definition::size::{self, BadSize};

impl Config {
    pub(super) fn check(&self, at: &mut Place<'_>) {
        self.check_image(at);
        match size::check(self.cpu, self.memory, false) {
            Ok(()) => {}
            Err(error @ BadSize::Memory { .. }) => at.problem("bad-size", &["memory"], error.to_string()),
            Err(error) => at.problem("bad-size", &["cpu"], error.to_string()),
        }
        if self.has_port_twice() {
            let message = format!("`{}` has both `port` and `ports`", at.address());
            at.hinted("conflict", &["port"], message, format!("write `ports = {{ {HTTP} = … }}`"));
        }
        self.check_containers(at);
        self.check_files(at);
        for (n, exposed) in self.expose.iter().enumerate() {
            self.check_exposed(n, exposed, at);
        }
        self.check_health(at);
        self.check_connect(at);
        if self.deploy.strategy != Strategy::Rolling {
            at.later(&["deploy", "strategy"], "other strategies than `rolling` come");
        }
        if self.deploy.minimum_percent == 100 && self.deploy.maximum_percent == 100 {
            let message = "neither may a task be missing nor may there be one more: no task could ever be replaced";
            at.problem("conflict", &["deploy", "maximum_percent"], message);
        }
        if let Err(error) = self.logs.days() {
            at.problem("bad-days", &["logs", "days"], error.to_string());
        }
        if self.logs.multiline.as_ref().is_some_and(String::is_empty) {
            let hint = "a regular expression that the first line of an event fits: `^\\d{4}-`";
            at.hinted("bad-pattern", &["logs", "multiline"], "an empty pattern fits every line", hint);
        }
        if self.logs.delete {
            at.later(&["logs", "delete"], "log groups that go with their service come");
        }
        for (n, name) in self.uses.iter().enumerate() {
            if self.uses[..n].contains(name) {
                at.problem("defined-twice", &item("uses", n), format!("`{}` uses `{name}` twice", at.address()));
            }
        }
    }

    fn check_image(&self, at: &mut Place<'_>) {
        let Image::Name(name) = &self.image else {
            at.later(&["image"], "repositories of the manifest come");
            return;
        };
        check_image(name, &["image"], at);
    }

    fn check_exposed(&self, n: usize, exposed: &Expose, at: &mut Place<'_>) {
        let called = at.called(&item("expose", n));
        let all = self.all_ports();
        if all.is_empty() {
            let hint = "say where the container listens: `port = 8080`";
            at.hinted("missing-key", &item("expose", n), format!("`{}` has no port to expose", at.address()), hint);
        } else if let Some(port) = &exposed.port {
            if !all.contains_key(port.as_str()) {
                let known: Vec<&str> = all.keys().copied().collect();
                let hint = agent_core::manifest::suggest::hint(port, &known, "they are").unwrap_or_default();
                at.hinted("unknown-port", &expose(n, "port"), format!("`{}` has no port `{port}`", at.address()), hint);
            }
        } else if self.exposed_port(exposed).is_none() {
            let hint = format!("its ports are {}", list(all.keys().copied()));
            at.hinted("missing-key", &item("expose", n), format!("`{called}` lacks `port`"), hint);
        }
        if exposed.default && (exposed.path.is_some() || exposed.host.is_some()) {
            let message = format!("`{called}` has conditions, and is to take what no other takes");
            at.problem("conflict", &expose(n, "default"), message);
        }
        if exposed.default && exposed.priority.is_some() {
            let message = "what takes what no other takes comes last, whatever its priority";
            at.problem("conflict", &expose(n, "priority"), message);
        }
        if let Some(path) = &exposed.path {
            check_path(path, &expose(n, "path"), at);
        }
        if let Some(host) = &exposed.host {
            check_host(host, &expose(n, "host"), at);
        }
    }

    fn check_health(&self, at: &mut Place<'_>) {
        let health = &self.health;
        if !health.path.starts_with('/')
            || health.path.len() > 1024
            || !health.path.chars().all(|c| c.is_ascii_graphic())
        {
            let message = format!("`{}` is no path", health.path);
            at.hinted("bad-path", &["health", "path"], message, "it begins with `/`: `/health`");
        }
        if health.timeout >= health.interval {
            let message =
                format!("a check takes up to {} seconds, and comes every {}", health.timeout, health.interval);
            at.hinted("conflict", &["health", "timeout"], message, "`timeout` is less than `interval`");
        }
        if !are_codes(&health.codes) {
            let message = format!("`{}` is no list of status codes", health.codes);
            at.hinted("bad-codes", &["health", "codes"], message, "from 200 to 499: `200`, `200-299` or `200,204`");
        }
    }

    /// The name and the number of the port that is meant. One of a sidecar is named.
    pub(super) fn exposed_port(&self, exposed: &Expose) -> Option<(String, u16)> {
        let ports = self.ports();
        if let Some(name) = &exposed.port {
            return self.all_ports().get(name.as_str()).map(|port| (name.clone(), *port));
        }
        let name = if ports.len() == 1 { ports.keys().next()? } else { HTTP };
        ports.get(name).map(|port| (name.to_owned(), *port))
    }
}

pub(super) fn check_image(name: &str, place: &[impl AsRef<str>], at: &mut Place<'_>) {
    let plain = !name.is_empty() && name.len() <= 255 && name.chars().all(|c| c.is_ascii_graphic());
    if !plain || name.starts_with(['/', ':', '@']) || name.contains("://") {
        let hint = "for example `123456789012.dkr.ecr.eu-west-1.amazonaws.com/hello:1.0.0`";
        at.hinted("bad-image", place, format!("`{name}` is no name of an image"), hint);
    }
}

/// Whether `200`, `200-299` or `200,204` and the like.
fn are_codes(text: &str) -> bool {
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| text.len() == 3 && (200..=499).contains(code));
    !text.is_empty()
        && text.split(',').all(|part| match part.split_once('-') {
            Some((from, to)) => code(from).zip(code(to)).is_some_and(|(from, to)| from < to),
            None => code(part).is_some(),
        })
}

/// The limits of a condition on the path.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#path-conditions>
fn check_path(path: &str, place: &[String], at: &mut Place<'_>) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c);
    let problem = if !path.starts_with(['/', '*']) {
        format!("`{path}` does not begin with `/`")
    } else if path.len() > LONGEST {
        format!("the path has {} characters, and may have {LONGEST} at most", path.len())
    } else if let Some(c) = path.chars().find(|c| !allowed(*c)) {
        format!("a condition on the path takes no `{c}`")
    } else {
        return;
    };
    at.problem("bad-path", place, problem);
}

/// The limits of a condition on the host.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#host-conditions>
fn check_host(host: &str, place: &[String], at: &mut Place<'_>) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-.*?".contains(c);
    let top = host.rsplit('.').next().unwrap_or_default();
    let good = host.len() <= LONGEST
        && host.contains('.')
        && host.chars().all(allowed)
        && !top.is_empty()
        && top.chars().all(|c| c.is_ascii_alphabetic() || c == '*' || c == '?');
    if !good {
        let hint = "for example `app.example.org` or `*.example.org`";
        at.hinted("bad-host", place, format!("`{host}` is no host"), hint);
    }
}
