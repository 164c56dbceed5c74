//! What tasks do once they run: fetch their config files, let people open a shell, and use what their role allows.

use super::iam::Who;
use super::party::{Asked, Party};
use super::{Check, Hop, rules};
use crate::facts::{Need, Verdict};

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions>
const EXEC: &[&str] = &[
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];

pub(super) fn checks(party: &Party<'_>, needs: &[Need]) -> Vec<Check> {
    let mut checks: Vec<Check> = files(party).into_iter().chain(exec(party)).collect();
    // What no other check has asked for yet.
    let rest: Vec<&Need> = needs.iter().filter(|need| need.what != "unknown" && !party.has_asked(&need.what)).collect();
    for need in rest {
        let hops = party.way(&need.what, &[], &Who::Anybody);
        checks.push(Check::new(party.address, need.because.clone(), need.line.clone(), hops));
    }
    checks
}

/// The program in the task reads all parts of the files from Parameter Store.
fn files(party: &Party<'_>) -> Option<Check> {
    let names = party.view.files.get(party.own)?;
    let role = party.task_role();
    let read = |name: &String| {
        let arn = party.view.scope.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')));
        let asked = Asked::new(&["ssm:GetParameters"], &arn);
        let on = asked.on.rsplit_once('/').map_or_else(|| asked.on.clone(), |(folder, _)| format!("{folder}/*"));
        Asked { on, ..asked }
    };
    let who = role.as_ref().map_or(Who::Anybody, |role| Who::Role(&role.arn));
    let asked: Vec<Asked> = names.iter().map(read).collect();
    // All are read alike: the first that is in the way stands for all.
    let mut hops = party.way("ssm", &asked[..1], &who);
    hops.extend(worst(party.permits(role.as_ref(), rules::TASK, &asked)));
    Some(Check::new(party.address, "fetches its config files", party.line(&["files"]), hops))
}

/// Of hops that are alike the first that does not hold; else the first.
fn worst(hops: Vec<Hop>) -> Option<Hop> {
    let at = |verdict| hops.iter().position(|hop| hop.verdict == verdict);
    let at = at(Verdict::No).or_else(|| at(Verdict::Unknown)).unwrap_or_default();
    hops.into_iter().nth(at)
}

fn exec(party: &Party<'_>) -> Option<Check> {
    if !party.spec.enable_execute_command {
        return None;
    }
    let role = party.task_role();
    let opens = || [Asked::new(EXEC, "*")];
    let who = role.as_ref().map_or(Who::Anybody, |role| Who::Role(&role.arn));
    let mut hops = party.way("ssmmessages", &opens(), &who);
    hops.extend(party.permits(role.as_ref(), rules::TASK, &opens()));
    Some(Check::new(party.address, "lets people open a shell (ECS Exec)", party.line(&["exec"]), hops))
}
