//! The agent's log, read as a series of passes, and what is promised of it: after whatever disturbs it, AWS is as the repository
//! wants after two passes at most, and the next look says so.

use std::time::Instant;

/// One pass: when it began and ended, whether it changed anything, and whether it ended as converged.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    pub began: Instant,
    pub ended: Instant,
    pub changed: bool,
    pub converged: bool,
}

/// The passes of a log with its times.
pub fn of(lines: &[(Instant, String)]) -> Vec<Pass> {
    let mut passes = Vec::new();
    let mut began = None;
    for (at, line) in lines {
        if line.contains("a pass begins") {
            began = Some(*at);
        } else if line.contains("the pass has ended")
            && let Some(began) = began.take()
        {
            let (changed, converged) = (line.contains("changed=true"), line.contains("how=Converged"));
            passes.push(Pass { began, ended: *at, changed, converged });
        }
    }
    passes
}

/// For each series of passes between a disturbance and converged: how many passes that nothing disturbed had something
/// to change, and when it ended.
pub fn needed(passes: &[Pass], disturbances: &[Instant]) -> Vec<(usize, Instant)> {
    let is_calm = |pass: &Pass| !disturbances.iter().any(|at| (pass.began..=pass.ended).contains(at));
    let mut needed = Vec::new();
    let mut calm = 0;
    let mut last = None;
    for pass in passes {
        let since = last.unwrap_or(pass.began);
        if disturbances.iter().any(|at| (since..=pass.ended).contains(at)) {
            calm = 0;
        }
        last = Some(pass.ended);
        calm += usize::from(pass.changed && is_calm(pass));
        if pass.converged {
            needed.push((calm, pass.ended));
            calm = 0;
        }
    }
    needed
}
