//! Components that are called otherwise than before: their resources stay, their names in AWS too, and nothing but our own
//! tags is written.

use std::collections::BTreeMap;

use agent_core::fake::faults::{Faults, What, When};
use agent_core::live::LiveDoc;
use agent_model::kinds::table;

use crate::stage::{HELLO, Stage};

/// The components of the example, the cluster that goes without saying among them.
const ALL: [(&str, &str); 6] = [
    ("cluster", "main"),
    ("load_balancer", "edge"),
    ("network", "main"),
    ("parameter", "greeting"),
    ("parameter", "token"),
    ("service", "web"),
];

fn example() -> String {
    format!("{HELLO}\n[cluster.main]\n")
}

/// The example with one component under another name, and all that name it.
fn renamed(text: &str, kind: &str, former: &str, now: &str) -> String {
    let header = format!("[{kind}.{former}]\n");
    assert!(text.contains(&header), "{header} is not in the text");
    let bare = format!("{kind} = \"{former}\"");
    text.replace(&header, &format!("[{kind}.{now}]\nrenamed_from = \"{former}\"\n"))
        .replace(&bare, &format!("{kind} = \"{now}\""))
        .replace(&format!("\"{kind}.{former}\""), &format!("\"{kind}.{now}\""))
        .replace(&format!("${{{kind}.{former}."), &format!("${{{kind}.{now}."))
}

/// Ids and specs of all there is.
fn held(stage: &Stage) -> BTreeMap<String, String> {
    stage.fake.objects().into_iter().map(|(id, live)| (id, live.spec.as_str().to_owned())).collect()
}

fn of_component(stage: &Stage, component: &str) -> Vec<LiveDoc> {
    let of = |live: &LiveDoc| live.owner.of_stack("hello").is_some_and(|mark| mark.address.component() == component);
    stage.fake.objects().into_values().filter(of).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rename_writes_tags_and_nothing_else() {
    for (kind, former) in ALL {
        let (from, to) = (format!("{kind}.{former}"), format!("{kind}.fresh"));
        let stage = Stage::of(&example()).await;
        let before = held(&stage);
        let marked = |live: &&LiveDoc| table().get(&live.kind).unwrap().marked;
        let mut expected: Vec<String> = of_component(&stage, &from)
            .iter()
            .filter(marked)
            .map(|live| live.owner.of_stack("hello").unwrap().address.to_string().replace(&from, &to))
            .map(|address| format!("update {address} (its tags do not say what it is)"))
            .collect();
        assert!(!expected.is_empty());
        let text = renamed(&example(), kind, former, "fresh");
        let mut plan = stage.plan(&text).await;
        plan.sort();
        expected.sort();
        assert_eq!(plan, expected, "{from}");
        let writes = stage.converge(&text).await;
        assert_eq!(writes.len(), expected.len(), "{writes:#?}");
        assert!(writes.iter().all(|write| write.starts_with("Update ")), "{writes:#?}");
        assert_eq!(held(&stage), before, "{from}: ids, names and all else are as they were");
        assert_eq!(of_component(&stage, &from).iter().filter(marked).count(), 0, "{from}: tags tell the new name");
        assert_eq!(stage.converge(&text).await, [] as [&str; 0], "{from}: the second pass writes nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn all_at_once_can_be_renamed() {
    let stage = Stage::of(&example()).await;
    let before = held(&stage);
    let text = ALL.iter().fold(example(), |text, (kind, former)| renamed(&text, kind, former, &format!("{former}-2")));
    assert!(stage.plan(&text).await.iter().all(|line| line.ends_with("(its tags do not say what it is)")));
    stage.converge(&text).await;
    assert_eq!(held(&stage), before);
    assert_eq!(stage.converge(&text).await, [] as [&str; 0]);
}

/// What AWS knows it by is its oldest name, however often it is renamed; and a pass may have been left out in between.
#[tokio::test(start_paused = true)]
async fn a_second_rename_writes_tags_alone_too() {
    let once = renamed(&example(), "service", "web", "second");
    let twice = once
        .replace("[service.second]\nrenamed_from = \"web\"", "[service.third]\nrenamed_from = [\"web\", \"second\"]");
    for between in [true, false] {
        let stage = Stage::of(&example()).await;
        let before = held(&stage);
        if between {
            stage.converge(&once).await;
        }
        let plan = stage.plan(&twice).await;
        assert!(!plan.is_empty());
        assert!(plan.iter().all(|line| line.ends_with("(its tags do not say what it is)")), "{plan:#?}");
        stage.converge(&twice).await;
        assert_eq!(held(&stage), before);
        assert_eq!(stage.converge(&twice).await, [] as [&str; 0]);
    }
}

/// The former name is not what the manifest calls it any more, and what it makes anew is of the former name in AWS, like
/// all else of it.
#[tokio::test(start_paused = true)]
async fn a_renamed_component_changes_and_is_mended_like_any_other() {
    let stage = Stage::of(&example()).await;
    let text = renamed(&example(), "service", "web", "fresh");
    stage.converge(&text).await;
    stage.change("service.fresh/ecs.service", |spec| spec["deployment"]["maximum_percent"] = 150.into());
    assert_eq!(stage.mended(&text).await.len(), 1);
    let name = stage.live("service.fresh/iam.role.task").spec.value()["name"].clone();
    stage.delete("service.fresh/iam.role.task");
    stage.mended(&text).await;
    assert_eq!(stage.live("service.fresh/iam.role.task").spec.value()["name"], name);
    // The log group tells its owner by its name alone, which is the former one.
    stage.change("service.web/logs.log_group", |spec| spec["retention_in_days"] = 3.into());
    assert_eq!(stage.mended(&text).await.len(), 1);
    let grown = text.replace("count   = 2", "count   = 3");
    assert_eq!(stage.mended(&grown).await, ["update service.fresh/ecs.service (it differs) desired_count: 2 -> 3"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_with_a_rename_goes_and_counts_as_no_component() {
    let stage = Stage::of(&example()).await;
    let text = renamed(&example(), "service", "web", "fresh");
    let (without, _) = text.split_once("expose  =").unwrap();
    let without = format!("{without}\n[cluster.main]\n");
    let plan = stage.plan(&without).await;
    assert!(plan.iter().any(|line| line.starts_with("delete service.fresh/elb.rule.")), "{plan:#?}");
    assert!(plan.iter().any(|line| line.starts_with("delete service.fresh/elb.target_group.")), "{plan:#?}");
    assert!(!plan.iter().any(|line| line.starts_with("create ")), "{plan:#?}");
    stage.converge(&without).await;
    assert_eq!(stage.converge(&without).await, [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_the_word_it_is_another_component_and_the_plan_says_so() {
    let stage = Stage::of(&example()).await;
    let text = renamed(&example(), "service", "web", "fresh");
    stage.converge(&text).await;
    let plan = stage.plan(&text.replace("renamed_from = \"web\"\n", "")).await;
    for line in ["replace service.fresh/ecs.service ", "replace service.fresh/iam.role.task "] {
        assert!(plan.iter().any(|step| step.starts_with(line)), "{line}: {plan:#?}");
    }
}

const WAYS: [What; 4] = [What::CrashBefore, What::CrashAfter, What::CrashAnswered, What::AnswerLost];

#[tokio::test(start_paused = true)]
async fn a_crash_while_tags_are_written_doubles_nothing() {
    let clean = Stage::of(&example()).await;
    let text = renamed(&example(), "service", "web", "fresh");
    let before = held(&clean);
    let count = clean.converge(&text).await.len();
    for write in 1..=count + 2 {
        for what in WAYS {
            let stage = Stage::of(&example()).await;
            stage.interrupted(&text, Faults::one(When::Write(write), what.clone())).await;
            stage.converge(&text).await;
            assert_eq!(held(&stage), before, "write {write}, {what:?}");
            assert_eq!(stage.converge(&text).await, [] as [&str; 0], "write {write}, {what:?}");
        }
    }
}

/// The stack is half made, one creating call perhaps lost, and the next revision calls the component otherwise.
#[tokio::test(start_paused = true)]
async fn a_crash_while_it_was_made_under_the_former_name_doubles_nothing() {
    let clean = Stage::empty();
    clean.converge(&example()).await;
    let writes = clean.fake.calls().iter().filter(|call| call.op.is_write()).count();
    for (kind, former) in [("network", "main"), ("service", "web")] {
        let text = renamed(&example(), kind, former, "fresh");
        let whole = Stage::of(&text).await;
        let kinds = |stage: &Stage| {
            let mut kinds: Vec<String> = stage.fake.objects().into_values().map(|live| live.kind).collect();
            kinds.sort();
            kinds
        };
        for write in 1..=writes {
            for what in [What::CrashAfter, What::AnswerLost] {
                let stage = Stage::empty();
                stage.interrupted(&example(), Faults::one(When::Write(write), what.clone())).await;
                stage.converge(&text).await;
                let cell = format!("{kind}: write {write}, {what:?}");
                assert_eq!(kinds(&stage), kinds(&whole), "{cell}");
                assert_eq!(stage.converge(&text).await, [] as [&str; 0], "{cell}");
            }
        }
    }
}
