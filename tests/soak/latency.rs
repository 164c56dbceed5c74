//! From a commit to the first call to AWS, and to `UpdateService`, on a repository of this host that is watched.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::bench::repository::{changed, um};
use crate::{Place, percentile};

/// Calls as they come: when, and which.
type Seen = Arc<Mutex<Vec<(Instant, String)>>>;

/// Measures; whether the promises hold (a second to the first call at most, two to `UpdateService` for half of the commits).
pub fn measure(commits: u64) -> bool {
    let place = Place::new("drift = \"1h\"");
    let seen: Seen = Arc::default();
    let told = seen.clone();
    place.proxy.wire().plan_by(move |head| {
        let name = format!("{}.{}", head.name.service, head.name.action);
        told.lock().unwrap().push((Instant::now(), name));
        None
    });
    let files = um("eu-west-1");
    place.commit(&files);
    let agent = place.agent();
    agent.wait_for(0, &["converged stack=\"um\""]);
    let (mut first, mut update) = (Vec::new(), Vec::new());
    for n in 0..commits {
        let mark = agent.mark();
        seen.lock().unwrap().clear();
        let next = changed(&files, "services.toml", "inbox:1.4.2", &format!("inbox:1.5.{n}"));
        let begun = Instant::now();
        let id = place.commit(&next);
        let committed = begun.elapsed();
        agent.wait_for(mark, &["converged stack=\"um\"", &id[..7]]);
        let seen = seen.lock().unwrap();
        let after = |wanted: &dyn Fn(&str) -> bool| {
            let at = seen.iter().find(|(_, name)| wanted(name)).expect("the call was made").0;
            // The commit is there when the reference is written, which is the end of making it.
            at.duration_since(begun).saturating_sub(committed).as_millis()
        };
        first.push(after(&|_| true));
        update.push(after(&|name| name == "ecs.UpdateService"));
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let mut holds = true;
    for (what, figures, at, limit) in [("first call", &mut first, 100, 1000), ("UpdateService", &mut update, 50, 2000)]
    {
        figures.sort_unstable();
        let [median, most, all] = [50, 95, 100].map(|at| percentile(figures, at));
        println!("from commit to {what}: median {median} ms, 95 % {most} ms, longest {all} ms, of {commits} commits");
        holds &= percentile(figures, at) < limit;
    }
    agent.stop();
    holds
}
