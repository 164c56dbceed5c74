//! The source that a stack belongs to: the first one that makes a pass, until a person gives the stack away.

use agent_core::state::{Belongs, Ended, Last, Origin, StackState, Store};

use crate::bench::Bench;
use crate::plans::stack;

fn origin(branch: &str) -> Origin {
    Origin { repository: "https://git.example.org/m.git".into(), branch: branch.into(), path: ".".into() }
}

impl Bench {
    async fn passes(&mut self, revision: &str, belongs: Belongs) -> Last {
        (self.revision, self.belongs) = (revision.into(), belongs);
        let desired = self.desired(stack("10.0.0.0/16", 80, "one"));
        assert_eq!(self.pass(&desired).await.unwrap().ended, Ended::Converged);
        StackState::read(self.fake.as_ref(), "demo").await.unwrap().last.unwrap()
    }

    async fn written(&self) -> usize {
        Store::history(self.fake.as_ref(), "demo", "last").await.unwrap().len()
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_keeps_its_source_through_passes_by_hand_until_it_is_given_away() {
    let mut bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    let main = || Belongs::To(origin("main"));
    assert_eq!(bench.passes("r2", Belongs::AsBefore).await.origin, None);
    assert_eq!(bench.passes("r3", main()).await.origin, Some(origin("main")));
    assert_eq!(bench.passes("r4", Belongs::AsBefore).await.origin, Some(origin("main")));
    assert_eq!(bench.passes("r4", Belongs::ToNobody).await.origin, None);
    assert_eq!(bench.passes("r4", Belongs::To(origin("dev"))).await.origin, Some(origin("dev")));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_takes_a_stack_at_the_same_revision_writes_that_once() {
    let mut bench = Bench::new();
    bench.converged(stack("10.0.0.0/16", 80, "one")).await;
    bench.passes("r2", Belongs::AsBefore).await;
    let before = bench.written().await;
    bench.passes("r2", Belongs::To(origin("main"))).await;
    assert_eq!(bench.written().await, before + 1);
    bench.passes("r2", Belongs::To(origin("main"))).await;
    bench.passes("r2", Belongs::AsBefore).await;
    assert_eq!(bench.written().await, before + 1, "nothing has changed, so nothing is written");
}
