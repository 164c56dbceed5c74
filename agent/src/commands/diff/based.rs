//! What merging a revision into a base would change: in AWS as it is, or in AWS as the base wants it, of which nobody is asked.

use std::collections::BTreeSet;

use agent_core::allowed::Judge;
use agent_core::manifest::Mode;
use agent_core::state::Suspended;

use super::sides::{Pair, Sides, Wish, said_of_base, said_with};
use super::{End, failed, look_at, told};
use crate::cli::From;
use crate::commands::Context;
use crate::git;
use crate::load::{LoadError, both};
use crate::order::Left;
use crate::show::preview::{Base, Looked, Own, Preview, Said};

/// Runs it.
pub async fn run(context: &Context<'_>, from: &From, base: &str, offline: bool) -> Result<(Preview, End), End> {
    let Some(repo) = from.repo.as_deref() else {
        // A folder and `--repo` exclude each other, and where one is named nothing asks for the other.
        let hint = "a folder is no revision: say `--repo FOLDER` instead";
        context.printer.error("`--base` compares revisions of a repository", Some(hint));
        return Err(End::Usage);
    };
    if !matches!(git::url::parse(repo), Ok(git::url::Location::Local(_))) {
        let message = format!("`{}` is no repository of this host, so it is not compared", git::url::shown(repo));
        let hint = "clone it with its history (`git clone`), and name the folder: `--repo FOLDER`";
        context.printer.error(&message, Some(hint));
        return Err(End::Usage);
    }
    let both = match both(from, repo, base).await {
        Ok(both) => both,
        Err(error) => return Ok(failed(context, &error)),
    };
    let sides = match Sides::of(&both.base, &both.merged, from.stack.as_deref()) {
        Ok(sides) => sides,
        Err(error @ LoadError::NoSuchStack { .. }) => {
            context.printer.error(&error.to_string(), None);
            return Err(End::Usage);
        }
        Err(error) => return Ok(failed(context, &error)),
    };
    let mut preview = Preview::new(both.merged.revision.id.clone(), context.policy());
    let common = both.has_moved_on().then(|| both.common.clone());
    preview.base = Some(Base { id: both.base.revision.id.clone(), common, offline });
    (preview.same, preview.gone) = (sides.same, sides.gone);
    let (mut end, mut left) = (End::Done, Left::default());
    for pair in sides.pairs {
        let (looked, ended) = Box::pin(looked(context, pair, &preview.revision, &mut left, offline)).await;
        preview.stacks.push(looked);
        end = end.max(ended);
    }
    Ok((preview, end))
}

/// One stack that can come to differ.
async fn looked(context: &Context<'_>, pair: Pair, revision: &str, left: &mut Left, offline: bool) -> (Looked, End) {
    let Pair { mut stack, mut base, standing } = pair;
    let judge: &dyn Judge = context.clouds.judge().as_ref();
    let mut looked = Looked::new(stack.name(), standing);
    looked.reports_only = stack.manifest.as_ref().is_some_and(|manifest| manifest.stack.mode == Mode::Report);
    looked.suspended = stack.manifest.as_ref().and_then(|manifest| Suspended::by_manifest(&manifest.stack));
    let wish = Wish::of(&mut stack);
    let wish_of_base = base.as_mut().and_then(Wish::of);
    let is_known = base.is_none() || wish_of_base.is_some();
    let before = said_of_base(base.as_mut(), wish_of_base.as_ref(), judge).await;
    if !is_known {
        looked.notes.push("the base has problems of its own, so what changes is not known".to_owned());
    }
    let plan = wish.as_ref().filter(|_| is_known).map(|wish| wish.plan_from(wish_of_base.as_ref()));
    if let (Some(base), Some(Ok(plan))) = (&wish_of_base, &plan) {
        let told = |address| format!("{address}, which the base protects, would be deleted");
        looked.errors.extend(base.protects(plan).map(|address| (told(address), None)));
    }
    let mut found = match &wish {
        Some(wish) => judge.desired(&wish.desired).await,
        None => Vec::new(),
    };
    if let (Some(wish), Some(Ok(plan))) = (&wish, &plan)
        && !plan.steps.is_empty()
    {
        found.extend(judge.plan(&wish.desired, plan).await);
    }
    if !offline {
        looked.own = plan.and_then(Result::ok).filter(|_| base.is_some()).map(|plan| Own::of(&plan));
        // A finding is new if it is so without AWS: what AWS adds to what is known says nothing about the base.
        let new: BTreeSet<Said> = said_with(&stack, &found).difference(&before).cloned().collect();
        let end = look_at(context, &mut stack, revision, left, &mut looked).await;
        looked.says(&stack, Some(&|said| new.contains(said)));
        return (looked, end);
    }
    stack.judged(&found);
    let mut end = told(context, &stack, left);
    match plan {
        Some(Ok(plan)) => looked.plan = Some(plan),
        Some(Err(errors)) => {
            for error in errors {
                context.printer.error(&error.to_string(), None);
                looked.errors.push((error.to_string(), None));
            }
            end = end.max(End::Findings);
        }
        None => {}
    }
    looked.says(&stack, Some(&|said| !before.contains(said)));
    (looked, end)
}
