//! One stack over another: finds the folder that `[stack] extends` names, and lays the tables of a stack over those of its
//! base. Tables are merged to the bottom, all else is replaced, and `false` in the place of a component takes it away.

use std::collections::BTreeSet;

use super::read::{STACK_FILE, StackFiles, find_stacks, join};
use super::suggest;
use super::tree::{Entry, Node, Table, Value};
use crate::source::{Problem, Problems, Span};

/// How many stacks may stand on one another.
pub(super) const DEPTH: usize = 8;

/// How many names are looked at for the one that is meant.
const MOST_NAMES: usize = 1000;

/// Keys of `[stack]` that a base keeps to itself: what it is called, what it stands on, and what its revision may delete.
const OWN: [&str; 3] = ["name", "extends", "allow"];

/// What `extends` says, and where.
pub(super) fn extends_of(table: &Table) -> Option<(&str, &Span)> {
    let node = &table.get("stack")?.node.as_table()?.get("extends")?.node;
    Some((node.as_str()?, &node.span))
}

/// The folder that `rel` means from the stack folder `dir`.
#[allow(clippy::result_large_err, reason = "a problem is made once, for people")]
pub(super) fn base_of(files: &StackFiles, dir: &str, rel: &str) -> Result<String, Problem> {
    let bad = |code: &'static str, message: String| Problem::new(code, message);
    if rel.trim().is_empty() || rel.starts_with(['/', '~']) || rel.contains('\\') {
        let problem = bad("bad-extends", format!("`{rel}` is no folder relative to that of the stack"));
        return Err(problem.hint("write the way to the folder of the other stack: `\"../base\"`"));
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in rel.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part != ".." {
            parts.push(part);
        } else if parts.pop().is_none() {
            let problem = bad("bad-extends", format!("`{rel}` leads out of the manifests that were read"));
            return Err(problem.hint("read the folder that holds both, and say `--stack` for one of its stacks"));
        }
    }
    let base = parts.join("/");
    if files.files.contains_key(&join(&base, STACK_FILE)) {
        return Ok(base);
    }
    let known: Vec<String> = find_stacks(files).iter().filter(|other| *other != dir).map(|o| way(dir, o)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let problem = bad("unknown-stack", format!("there is no `{STACK_FILE}` in `{}`", files.shown(&base)));
    Err(Problem { hint: suggest::hint(rel, &known, "the other stacks are in"), ..problem })
}

/// The way from one folder to another: `../base`.
fn way(from: &str, to: &str) -> String {
    let split = |dir: &str| dir.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (split(from), split(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    let parts: Vec<String> = up.chain(to[common..].iter().cloned()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// Too many stacks on one another.
pub(super) fn too_deep() -> Problem {
    Problem::new("bad-extends", format!("more than {DEPTH} stacks stand on one another here"))
        .hint("let this one stand on one of the first")
}

/// A stack that stands on itself: the place of its first `extends`, and of the one that leads back.
pub(super) fn circle(first: Option<&Span>, back: &Span) -> Problem {
    match first.filter(|first| *first != back) {
        None => Problem::new("bad-extends", "the stack extends itself").hint("name the folder of another stack"),
        Some(first) => Problem::new("bad-extends", "these stacks extend each other")
            .also(first, "which leads back here")
            .hint("one of them has to stand on its own"),
    }
}

/// Takes out of a base what is not handed on. Gives its name, to be compared.
pub(super) fn hand_on(base: &mut Table, is_thing: &dyn Fn(&[&str]) -> bool) -> Option<(String, Span)> {
    forget_adopted(base, &mut Vec::new(), is_thing);
    let header = base.get_mut("stack")?.node.as_table_mut()?;
    let own = header.split_off(|key| OWN.contains(&key));
    let name = &own.get("name")?.node;
    Some((name.as_str()?.to_owned(), name.span.clone()))
}

/// What AWS holds has one owner: what the base adopts, the base has.
fn forget_adopted<'t>(table: &'t mut Table, path: &mut Vec<&'t str>, is_thing: &dyn Fn(&[&str]) -> bool) {
    for (key, entry) in table.iter_mut() {
        path.push(key);
        if let Value::Table(below) = &mut entry.node.value {
            if is_thing(path) {
                let _ = below.split_off(|key| key == "adopt");
            } else if path.len() < 3 {
                forget_adopted(below, path, is_thing);
            }
        }
        path.pop();
    }
}

/// The place of a stack's own name.
pub(super) fn name_of(table: &Table) -> Option<(&str, &Span)> {
    let node = &table.get("stack")?.node.as_table()?.get("name")?.node;
    Some((node.as_str()?, &node.span))
}

/// A stack laid over its base. `is_group` says which tables, by their path, are collections of things.
pub(super) fn over(
    base: &mut Table,
    own: Table,
    is_group: &dyn Fn(&[&str]) -> bool,
    is_thing: &dyn Fn(&[&str]) -> bool,
    problems: &mut Problems,
) {
    Overlay { is_group, is_thing, problems, path: Vec::new() }.lay(base, own);
}

struct Overlay<'a> {
    is_group: &'a dyn Fn(&[&str]) -> bool,
    is_thing: &'a dyn Fn(&[&str]) -> bool,
    problems: &'a mut Problems,
    path: Vec<String>,
}

impl Overlay<'_> {
    fn is(&self, what: &dyn Fn(&[&str]) -> bool) -> bool {
        what(&self.path.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn lay(&mut self, base: &mut Table, own: Table) {
        let mut taken = BTreeSet::new();
        for (key, entry) in own {
            self.path.push(key.clone());
            if !(self.is(self.is_thing) && entry.node.value == Value::Boolean(false)) {
                self.put(base, key, entry);
            } else if base.get(&key).is_some() {
                taken.insert(key);
            } else {
                self.nothing_to_take(base, &key, &entry);
            }
            self.path.pop();
        }
        // At once: a table is built anew for it.
        if !taken.is_empty() {
            let _ = base.split_off(|key| taken.contains(key));
        }
    }

    fn put(&mut self, base: &mut Table, key: String, entry: Entry) {
        let Entry { key_span, node: Node { span, value } } = entry;
        let value = match (base.get_mut(&key).map(|known| &mut known.node.value), value) {
            (Some(Value::Table(known)), Value::Table(own)) => {
                let mut known = std::mem::take(known);
                self.lay(&mut known, own);
                Value::Table(known)
            }
            // What is to be taken away is looked for in an empty base too.
            (None, Value::Table(own)) if self.is(self.is_group) && !own.is_empty() => {
                let mut known = Table::new();
                self.lay(&mut known, own);
                Value::Table(known)
            }
            (_, value) => value,
        };
        if self.is(self.is_group) && matches!(&value, Value::Table(table) if table.is_empty()) {
            // All that was in it was taken away.
            let _ = base.split_off(|other| other == key);
            return;
        }
        let entry = Entry { key_span, node: Node { span, value } };
        match base.get_mut(&key) {
            Some(known) => *known = entry,
            None => drop(base.insert(key, entry)),
        }
    }

    fn nothing_to_take(&mut self, base: &Table, key: &str, entry: &Entry) {
        let name = self.path.join(".");
        let message = format!("`{name} = false` takes nothing away: the stack that this one extends has no `{name}`");
        let most = if self.problems.len() < Problems::MOST { MOST_NAMES } else { 0 };
        let known: Vec<&str> = base.keys().take(most).collect();
        let problem = Problem::new("unknown-component", message).at(&entry.key_span);
        self.problems.push(Problem { hint: suggest::hint(key, &known, "it has"), ..problem });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_from_one_folder_to_another() {
        assert_eq!(way("um-acceptance", "um"), "../um");
        assert_eq!(way("a/b/c", "a/d"), "../../d");
        assert_eq!(way("um/acceptance", "um"), "..");
        assert_eq!(way("", "um"), "um");
        assert_eq!(way("um", ""), "..");
    }
}
