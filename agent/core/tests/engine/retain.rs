//! What stays although the revision names it no longer: the newest ones of a kind that retains some, whatever a live
//! resource mentions in a text, and everything where nobody could read who mentions it.

use std::sync::Arc;

use agent_core::desired::Resource;
use agent_core::doc::Doc;
use agent_core::fake::faults::{Faults, Op, What, When};
use agent_core::fault::Class;
use agent_core::field::AwsDecides;
use agent_core::kind::{Identity, Kind, Mention};
use agent_core::live::Owner;
use agent_core::reference::{Link, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bench::{Bench, resource};

/// Like a task definition: numbered, immutable, and naming pages in a text.
struct Edition;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct EditionSpec {
    text: String,
}
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct EditionOut {
    arn: String,
    revision: u64,
}
struct EditionArn;
impl Target for EditionArn {
    const KIND: &'static str = "toy.edition";
    const FIELD: &'static str = "arn";
}
impl Kind for Edition {
    const NAME: &'static str = "toy.edition";
    type Spec = EditionSpec;
    type Out = EditionOut;
    const IDENTITY: Identity = Identity::Intent;
    const IMMUTABLE: &'static [&'static str] = &["text"];
    const RETAIN: usize = 2;
    const HELD_BY: &'static [&'static str] = &[];
    const DOC: &'static str = "Like a task definition.";
    fn mentions(spec: &Value, _: &Doc) -> Vec<Mention> {
        let words = spec["text"].as_str().unwrap_or_default().split(' ');
        let page = |word: &str| Mention { path: "text".into(), target: "toy.page.name".into(), value: word.into() };
        words.map(page).collect()
    }
    fn serial(out: &Value) -> u64 {
        out["revision"].as_u64().unwrap_or_default()
    }
}

/// Like a file: named after what it holds, and held by nobody.
struct Page;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct PageSpec {
    name: String,
}
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct PageOut {
    name: String,
}
impl Kind for Page {
    const NAME: &'static str = "toy.page";
    type Spec = PageSpec;
    type Out = PageOut;
    const IDENTITY: Identity = Identity::UniqueName;
    const IMMUTABLE: &'static [&'static str] = &["name"];
    const HELD_BY: &'static [&'static str] = &[];
    const MENTIONED_BY: &'static [&'static str] = &[Edition::NAME];
    const DOC: &'static str = "Like a file.";
    fn derive(spec: &PageSpec, _: &agent_core::address::Scope) -> std::collections::BTreeMap<&'static str, String> {
        [("name", spec.name.clone())].into()
    }
    fn unique(spec: &PageSpec) -> Option<String> {
        Some(spec.name.clone())
    }
}

/// Like a service: shows one edition, and perhaps others still.
struct Desk;
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct DeskSpec {
    shows: Link<EditionArn>,
    #[serde(default)]
    still: AwsDecides<String>,
}
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct DeskOut {
    id: String,
}
impl Kind for Desk {
    const NAME: &'static str = "toy.desk";
    type Spec = DeskSpec;
    type Out = DeskOut;
    const IDENTITY: Identity = Identity::Token;
    const IMMUTABLE: &'static [&'static str] = &[];
    const DOC: &'static str = "Like a service.";
    fn mentions(spec: &Value, _: &Doc) -> Vec<Mention> {
        let still = spec["still"].as_str().map(str::to_owned);
        still
            .map(|value| Mention { path: "still".into(), target: "toy.edition.arn".into(), value })
            .into_iter()
            .collect()
    }
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    let fake = Arc::clone(&bench.fake);
    bench.cloud = bench.cloud.with::<Edition, _>(&fake).with::<Page, _>(&fake).with::<Desk, _>(&fake);
    bench
}

/// An edition of these pages, each of which is a resource.
fn edition(text: &str) -> Vec<Resource> {
    let page = |name: &str| resource(&format!("page.{name}"), Page::NAME, &PageSpec { name: name.into() });
    let desk = DeskSpec { shows: Link::to("svc.web"), still: AwsDecides::Unset };
    let fixed = [
        resource("svc.web", Edition::NAME, &EditionSpec { text: text.into() }),
        resource("svc.web", Desk::NAME, &desk),
    ];
    text.split(' ').map(page).chain(fixed).collect()
}

/// The field of all live objects of a kind.
fn held(bench: &Bench, kind: &str, field: &str) -> Vec<String> {
    let of_kind = bench.fake.objects().into_values().filter(|live| live.kind == kind);
    of_kind.map(|live| live.spec.value()[field].as_str().unwrap().to_owned()).collect()
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

#[tokio::test(start_paused = true)]
async fn the_newest_are_retained_by_their_number_with_what_they_alone_mention() {
    let bench = bench();
    // Up to where the order of numbers and that of the ids, by which the fake lists, part: 10000 comes before 9999.
    for _ in 0..9_985 {
        let id = bench.fake.put::<Page>(&bench.scope, &PageSpec { name: "x".into() }, Owner::Nobody).unwrap();
        bench.fake.remove(&id);
    }
    for number in 0..14usize {
        bench.converged(edition(&format!("common p{number}"))).await;
        let least = usize::saturating_sub(number, 2);
        let texts: Vec<String> = (least..=number).map(|n| format!("common p{n}")).collect();
        assert_eq!(sorted(held(&bench, "toy.edition", "text")), sorted(texts));
        let pages = (least..=number).map(|n| format!("p{n}")).chain(["common".to_owned()]).collect();
        assert_eq!(sorted(held(&bench, "toy.page", "name")), sorted(pages));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_is_no_news() {
    let bench = bench();
    bench.converged(edition("a")).await;
    bench.converged(edition("b")).await;
    let report = bench.pass(&bench.desired(edition("b"))).await.unwrap();
    assert_eq!(report.report.notes, [], "in each pass people would be told of what is as it should be");
}

#[tokio::test(start_paused = true)]
async fn one_that_somebody_still_shows_stays_beyond_the_number() {
    let bench = bench();
    bench.converged(edition("a")).await;
    let first = bench.fake.objects().into_values().find(|live| live.kind == "toy.edition").unwrap();
    let arn = first.field("arn").unwrap();
    let desk = bench.fake.objects().into_iter().find(|(_, live)| live.kind == "toy.desk").unwrap().0;
    let shows_still = |value: Value| bench.fake.alter(&desk, |spec| spec["still"] = value);
    for text in ["b", "c", "d", "e"] {
        shows_still(arn.clone());
        bench.converged(edition(text)).await;
    }
    let texts = sorted(held(&bench, "toy.edition", "text"));
    assert!(texts.contains(&"a".to_owned()), "{texts:?}");
    assert!(held(&bench, "toy.page", "name").contains(&"a".to_owned()), "and so does what it mentions");
    shows_still(serde_json::json!({ "$aws_decides": null }));
    bench.converged(edition("e")).await;
    assert_eq!(sorted(held(&bench, "toy.edition", "text")), ["c", "d", "e"]);
    assert_eq!(sorted(held(&bench, "toy.page", "name")), ["c", "d", "e"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_that_may_be_mentioned_where_nobody_could_be_asked() {
    let bench = bench();
    bench.converged(edition("a b")).await;
    let denied = What::Refused(Class::Denied);
    bench.restart(Faults::one(When::Each("toy.edition".into(), Op::List, 99), denied));
    let report = bench.pass(&bench.desired(edition("a"))).await.unwrap();
    assert!(report.not_read.contains_key("toy.edition"));
    assert_eq!(sorted(held(&bench, "toy.page", "name")), ["a", "b"]);
}
