//! For a comment on a pull request, which may be anybody's: no text of a manifest becomes markup, a link, a mention or a command
//! (see `agent_core::source::render::markup`), and none ends the block that it stands in.
//!
//! What matters most comes first and is left out last: what stops or is lost, what is in the way, what a change means, its fields.

use std::fmt::Write;

use agent_core::kind::Kind;
use agent_core::plan::{Op, Step};
use agent_core::source::render::escape_within;
use agent_core::source::render::markup::{code, plain, prose, short};
use agent_model::kinds::ecs::task_definition::TaskDefinition;
use agent_model::preview::{Consequence, consequences, interruptions};

use super::text::{anyhow_told, sentences};
use super::{ANYHOW, Looked, Page, Preview, Told};
use crate::cli::From;
use crate::show::plan::{because, counted, counts, irreversible, marked, told};
use crate::show::words::revision;

/// What is kept free to say what is left out.
const RESERVE: usize = 600;
/// The longest line of a block.
const LONGEST: usize = 2_000;
/// How many stacks without a change are named.
const MOST_SAME: usize = 20;
/// How much of the digest of the rules is shown.
const DIGITS: usize = 12;

/// The first line, by which the comment of an earlier run is found and replaced; it is not seen. Runs that look at other stacks,
/// or in another way, have another one.
pub fn marker(from: &From, offline: bool) -> String {
    let mut words = vec![if offline { "offline" } else { "live" }.to_owned()];
    let folder = if from.repo.is_some() { from.path.clone() } else { from.dir.display().to_string() };
    let folder = folder.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/");
    words.push(format!("path={}", word(if folder.is_empty() { "." } else { &folder })));
    words.extend(from.stack.as_ref().map(|stack| format!("stack={}", word(stack))));
    format!("<!-- gitops-agent:diff {} -->", words.join(" "))
}

/// A text that ends no comment of HTML: two hyphens would.
fn word(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' if !out.ends_with('-') && !out.is_empty() => out.push('-'),
            b'.' | b'_' | b'/' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// What is left of the room, and what did not fit in.
struct Room {
    left: usize,
    cut: Vec<(usize, &'static str)>,
}

impl Room {
    /// Takes as many of these as there is room for, and `kept` is still free. `overhead` goes once with the first.
    fn take<'t>(&mut self, texts: &'t [String], overhead: usize, kept: usize, what: &'static str) -> &'t [String] {
        let free = self.left.saturating_sub(kept + overhead);
        let mut used = 0;
        let fitting = texts.iter().take_while(|text| {
            used += text.len();
            used <= free
        });
        let taken = &texts[..fitting.count()];
        if !taken.is_empty() {
            self.left -= overhead + taken.iter().map(String::len).sum::<usize>();
        }
        self.lacks(texts.len() - taken.len(), what);
        taken
    }

    fn lacks(&mut self, count: usize, what: &'static str) {
        match self.cut.iter_mut().find(|(_, known)| *known == what) {
            Some((known, _)) => *known += count,
            None if count > 0 => self.cut.push((count, what)),
            None => {}
        }
    }

    /// What was left out, and where it is.
    fn told(&self, page: &Page<'_>) -> String {
        if self.cut.is_empty() {
            return String::new();
        }
        let parts: Vec<String> = self.cut.iter().map(|(count, what)| format!("{count} {what}")).collect();
        let at = match page.all_at {
            Some(url) => format!("[All of it]({url})."),
            None => "The same command with `--output text` shows all of it.".to_owned(),
        };
        format!("\n**Cut to fit in a comment:** {} are left out here. {at}\n", parts.join(", "))
    }
}

/// Draws the page.
pub fn drawn(preview: &Preview, page: &Page<'_>) -> String {
    let (head, tail) = (head(preview, page), tail(preview));
    let mut room = Room { left: page.limit.saturating_sub(head.len() + tail.len() + RESERVE), cut: Vec::new() };
    let mut out = head;
    let (warnings, third) = (warnings(preview, page), room.left / 3);
    let title = "\n**Look at this first**\n\n";
    let shown = room.take(&warnings, title.len(), third * 2, "warnings");
    if !shown.is_empty() {
        out.extend([title, &shown.concat()]);
    }
    let gone =
        preview.gone.iter().map(|gone| format!("- {}: {}\n", code(&short(&gone.name)), prose(&safe(&gone.sentence()))));
    let gone: Vec<String> = gone.collect();
    let shown = room.take(&gone, 1, third, "stacks that are gone");
    if !shown.is_empty() {
        out.extend(["\n", &shown.concat()]);
    }
    findings(preview, &mut room, &mut out);
    let stacks: Vec<&Looked> = preview.stacks.iter().collect();
    let alone = stacks.len() == 1;
    let heads: Vec<String> = stacks.iter().map(|stack| heading(stack, alone)).collect();
    // The names of all stacks before the details of any.
    let shown = room.take(&heads, 0, 0, "stacks").len();
    for (stack, heading) in stacks.iter().zip(&heads).take(shown) {
        out.push_str(heading);
        details(stack, page, &mut room, &mut out);
    }
    out.extend([room.told(page), tail]);
    out
}

/// The marker, and everything in one line.
fn head(preview: &Preview, page: &Page<'_>) -> String {
    let mut out = format!("{}\n", page.marker);
    if let Some((message, hint)) = &preview.failed {
        let _ = write!(out, "### There is no preview\n\n{}\n", prose(&safe(message)));
        if let Some(hint) = hint {
            let _ = write!(out, "\nhelp: {}\n", prose(&safe(hint)));
        }
        return out;
    }
    let mut all = [("create", 0), ("update", 0), ("replace", 0), ("delete", 0)];
    for plan in preview.plans() {
        for (sum, (_, more)) in all.iter_mut().zip(counts(plan)) {
            sum.1 += more;
        }
    }
    let planless = preview.stacks.iter().filter(|stack| stack.plan.is_none()).count();
    let what = if preview.stacks.len() == planless && planless > 0 { "no plan".to_owned() } else { counted(&all) };
    let of = match preview.stacks.as_slice() {
        [] => String::new(),
        [one] => format!("{}: ", code(&short(&one.name))),
        many => format!("{} stacks: ", many.len()),
    };
    let more =
        if planless > 0 && preview.stacks.len() > 1 { format!(", no plan for {planless}") } else { String::new() };
    let _ = writeln!(out, "### {of}{what}{more}");
    if let Some(base) = &preview.base {
        let (new, old) = (code(&revision(&preview.revision)), code(&revision(&base.id)));
        let _ = match (&base.common, base.offline) {
            (_, false) => write!(out, "\nWhat merging {new} into {old} would change in AWS as it is now."),
            (_, true) => write!(
                out,
                "\nWhat merging {new} into {old} would change, if AWS is as that wants it. AWS was not asked: what only AWS knows \
                 is not known here, and what was changed by hand is not seen."
            ),
        };
        if let Some(common) = &base.common {
            let common = code(&revision(common));
            let _ = write!(out, " The base has moved on since {common}; this is what the merge of both makes.");
        }
        out.push('\n');
    }
    out
}

/// The other stacks, and what found all this.
fn tail(preview: &Preview) -> String {
    let mut out = String::new();
    if !preview.same.is_empty() {
        let names: Vec<String> = preview.same.iter().take(MOST_SAME).map(|name| code(&short(name))).collect();
        let more = preview.same.len().saturating_sub(MOST_SAME);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = write!(out, "\nNothing changes in {}{more}.\n", names.join(", "));
    }
    let digest = preview.policy.get(..DIGITS).unwrap_or(&preview.policy);
    let id = if preview.revision.is_empty() { "none".to_owned() } else { revision(&preview.revision) };
    let _ = write!(out, "\n<sub>revision {}, rules {}</sub>\n", code(&id), code(digest));
    out
}

/// What stops, what is lost, what is replaced: an item each.
fn warnings(preview: &Preview, page: &Page<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for stack in &preview.stacks {
        let name = code(&short(&stack.name));
        for (message, hint) in &stack.errors {
            let hint = hint.as_ref().map(|hint| format!("<br>help: {}", prose(&safe(hint)))).unwrap_or_default();
            all.push(format!("- {name}: {}{hint}\n", prose(&safe(message))));
        }
        let Some(plan) = &stack.plan else { continue };
        let mark = |step: &Step| match &stack.own {
            Some(own) if !own.has(step) => format!(" ({ANYHOW})"),
            _ => String::new(),
        };
        for step in told(plan).filter(|step| irreversible(step, page.kinds)) {
            let (verb, address) = (step.op.verb(), code(&safe(step.address.as_str())));
            let text = format!("**loses data that nothing brings back**: {verb} {address}");
            all.push(format!("- {name}: {text}{}\n", mark(step)));
        }
        for Consequence { component, says } in interruptions(plan) {
            let says: Vec<String> = says.iter().map(|text| plain(&safe(text))).collect();
            let mark = stack.mark(&component);
            all.push(format!("- {name}, {}: {}{mark}\n", code(&safe(&component)), says.join("; ")));
        }
        for step in told(plan).filter(|step| is_replaced(step) && !irreversible(step, page.kinds)) {
            let (address, why) = (code(&safe(step.address.as_str())), plain(&safe(because(step))));
            all.push(format!("- {name}: replaces {address}: {why}{}\n", mark(step)));
        }
        for (kind, fault) in &plan.not_read {
            all.push(format!(
                "- {name}: **{} could not be read**: {}\n",
                plain(kind),
                plain(&safe(&fault.to_string()))
            ));
        }
    }
    all
}

/// Another revision of a definition takes nothing's place.
fn is_replaced(step: &Step) -> bool {
    matches!(step.op, Op::Create { replaces: true, .. }) && step.address.kind() != TaskDefinition::NAME
}

/// What is in the way and what is new as a table; the rest is counted.
fn findings(preview: &Preview, room: &mut Room, out: &mut String) {
    let all = || preview.stacks.iter().flat_map(|stack| stack.findings.iter().map(move |told| (stack, told)));
    let weight = |told: &Told| (!told.refuses(), told.new == Some(false));
    let mut rows: Vec<(&Looked, &Told)> = all().filter(|(_, told)| told.refuses() || told.new == Some(true)).collect();
    rows.sort_by_key(|(_, told)| weight(told));
    let known = all().count() - rows.len();
    let rows: Vec<String> = rows.into_iter().map(|(stack, told)| row(stack, told)).collect();
    let head = "\n| | rule | finding | where |\n|---|---|---|---|\n";
    // Half of what is left is for what changes.
    let half = room.left / 2;
    let shown = room.take(&rows, head.len(), half, "findings");
    if !shown.is_empty() {
        out.extend([head, &shown.concat()]);
    }
    if known > 0 {
        let (what, verb) = if known == 1 { ("finding", "is") } else { ("findings", "are") };
        let too = if preview.base.is_some() { "in the base too and " } else { "" };
        let _ = write!(out, "\n{known} more {what} {verb} {too}not in the way; `agent validate` shows all.\n");
    }
}

fn row(stack: &Looked, told: &Told) -> String {
    let new = if told.new == Some(true) { "**new** " } else { "" };
    let mut text = prose(&safe(&told.message));
    if let Some(hint) = &told.hint {
        let _ = write!(text, "<br>help: {}", prose(&safe(hint)));
    }
    let place = match &told.place {
        Some((file, line)) => format!("{}:{line}", safe(file)),
        None => stack.name.clone(),
    };
    format!("| {new}{} | {} | {text} | {} |\n", told.level, code(&short(&told.rule)), code(&short(&place)))
}

/// The name of a stack and what happens to it in a line, or in none where it is the only one; and what else is to be said of it.
fn heading(stack: &Looked, alone: bool) -> String {
    let mut out = String::new();
    if !alone {
        let what = stack.plan.as_ref().map_or_else(|| "no plan".to_owned(), |plan| counted(&counts(plan)));
        let _ = write!(out, "\n#### {}: {what}\n", code(&short(&stack.name)));
    }
    if let Some(why) = &stack.suspended {
        let name = code(&short(&stack.name));
        let _ = write!(
            out,
            "\n{name}: **Suspended**, and nothing of this is done for now: {}\n",
            plain(&safe(&why.to_string()))
        );
    }
    for line in sentences(stack) {
        let _ = write!(out, "\n{} {}.\n", code(&short(&stack.name)), prose(&safe(&line)));
    }
    let anyhow = stack.anyhow();
    if anyhow > 0 {
        let _ = write!(out, "\n{}.\n", anyhow_told(anyhow));
    }
    out
}

/// What a plan means for each component, and folded away all of its steps.
fn details(stack: &Looked, page: &Page<'_>, room: &mut Room, out: &mut String) {
    let Some(plan) = &stack.plan else { return };
    let means = consequences(plan).into_iter().map(|Consequence { component, says }| {
        let says: Vec<String> = says.iter().map(|text| plain(&safe(text))).collect();
        format!("| {} | {}{} |\n", code(&safe(&component)), says.join("<br>"), stack.mark(&component))
    });
    let means: Vec<String> = means.collect();
    let head = "\n| component | what happens |\n|---|---|\n";
    let shown = room.take(&means, head.len(), 0, "components");
    if !shown.is_empty() {
        out.extend([head, &shown.concat()]);
    }
    let notes = plan
        .notes
        .iter()
        .map(|note| format!("- {}: {}\n", code(&safe(note.address.as_str())), plain(&safe(&note.text))));
    let notes: Vec<String> = notes.collect();
    let shown = room.take(&notes, 1, 0, "notes");
    if !shown.is_empty() {
        out.extend(["\n", &shown.concat()]);
    }
    let steps = told(plan).count();
    let lines: Vec<String> = told(plan).flat_map(|step| block(stack, step, page)).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or_default();
    // No line has as many of them as the line that ends the block.
    let fence = "`".repeat(longest.max(2) + 1);
    let word = if steps == 1 { "step" } else { "steps" };
    let head = format!("\n<details><summary>{steps} {word}, and each field</summary>\n\n{fence}diff\n");
    let end = format!("{fence}\n\n</details>\n");
    let shown = room.take(&lines, head.len() + end.len(), 0, "lines of fields");
    if !shown.is_empty() {
        out.extend([head.as_str(), &shown.concat(), &end]);
    }
}

/// A step with its fields, as lines of a diff.
fn block(stack: &Looked, step: &Step, page: &Page<'_>) -> Vec<String> {
    let sign = match &step.op {
        Op::Create { replaces: false, .. } => '+',
        Op::Delete { .. } => '-',
        _ => '!',
    };
    let anyhow =
        if stack.own.as_ref().is_some_and(|own| !own.has(step)) { format!(" ({ANYHOW})") } else { String::new() };
    let lost = if irreversible(step, page.kinds) { "; loses data that nothing brings back" } else { "" };
    let head = format!("{sign} {:<8} {}  {}{lost}{anyhow}", step.op.verb(), step.address, because(step));
    let fields = stack.fields(step).flat_map(|(change, is_own)| {
        let mark = if is_own { String::new() } else { format!(" ({ANYHOW})") };
        marked(change).into_iter().map(move |line| format!("{line}{mark}"))
    });
    std::iter::once(head).chain(fields).map(|line| safe(&line) + "\n").collect()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// A text in one line, in which every character is seen as what it is.
fn safe(text: &str) -> String {
    escape_within(text, LONGEST)
}
