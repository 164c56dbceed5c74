//! Config files on their way to containers, over emulated AWS: what is written, what looking at them costs, and how long
//! old content stays. (What a task does with them is tested beside the program that runs in it.)

use std::sync::Arc;

use agent_core::allowed::Allowed;
use agent_core::desired::Desired;
use agent_core::plan::Op;
use agent_core::state::Ended;
use agent_model::expand::Expanded;
use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging};

use crate::bench::emulator::Emulator;
use crate::bench::name::Kind;
use crate::bench::wire::Wire;
use crate::bench::{legal, record};
use crate::hello::{answers, expanded_with};
use crate::world::World;

const REGION: &str = "eu-north-1";
const STACK: &str = "aws-files";

/// A service with a short file and a long one. Its tasks are public, so that nothing else is needed around them; the name
/// begins with a word that AWS keeps for itself in names of parameters.
const TEXT: &str = "[stack]\nname = \"aws-files\"\naccount = \"123456789012\"\nregion = \"eu-north-1\"\n\
    tags = { owner = \"team\" }\nfiles_image = \"gitops-agent:1\"\n[network.main]\ncidr = \"10.20.0.0/16\"\n\
    [parameter.greeting]\nvalue = \"hello\"\n[service.web]\nimage = \"web:1\"\ntier = \"public\"\n[service.web.files]\n\
    \"/etc/web/short\" = \"short\"\n\"/etc/web/long\" = \"long\"\n";

struct Stage {
    wire: Arc<Wire>,
    world: World,
    long: String,
}

impl Stage {
    fn new() -> Self {
        let wire = Wire::new(Emulator::shared());
        // Hex digits pack to half of their length: three parts.
        let long = (0..300).map(|n: u32| agent_core::doc::digest(&n.to_string())).collect();
        Self { world: World::emulated(&wire, STACK, REGION), wire, long }
    }

    fn stack(&self, short: &str) -> Expanded {
        let answers = answers(&["eu-north-1a", "eu-north-1b"], &[]);
        expanded_with(TEXT, &[("short", short), ("long", &self.long)], &answers)
    }

    fn desired(&self, short: &str) -> Allowed<Desired> {
        self.world.desired(self.stack(short).resources)
    }

    /// Applies it; gives the calls.
    async fn applied(&self, short: &str) -> Vec<record::Call> {
        let before = self.wire.calls().len();
        let pass = self.world.converge(&self.desired(short)).await.unwrap();
        assert_eq!(pass.ended, Ended::Converged, "{:?}", pass.report.failures().collect::<Vec<_>>());
        self.wire.calls().split_off(before)
    }

    /// The calls that it takes to change something, the stack's own words left out.
    async fn changed(&self, short: &str) -> Vec<String> {
        let calls = self.applied(short).await;
        let said = |call: &record::Call| String::from_utf8_lossy(&call.request.body).into_owned();
        let own = |call: &&record::Call| call.name.service != "ssm" || !said(call).contains("/gitops-agent/");
        let writes = calls.iter().filter(|call| call.name.kind == Kind::Mutating).filter(own);
        writes.map(|call| call.name.action.clone()).collect()
    }

    /// The files that AWS holds: name and content.
    async fn held(&self) -> Vec<(String, String)> {
        let ssm = &self.world.aws.as_deref().unwrap().ssm;
        let call = ssm.get_parameters_by_path().path("/stack-aws-files/files").recursive(true);
        let all = call.send().await.unwrap().parameters.unwrap_or_default();
        let mut all: Vec<_> = all.into_iter().map(|one| (one.name.unwrap(), one.value.unwrap())).collect();
        all.sort();
        all
    }

    async fn contents(&self) -> Vec<String> {
        let mut contents: Vec<_> = self.held().await.into_iter().map(|(_, content)| content).collect();
        contents.sort_by_key(String::len);
        contents
    }
}

#[tokio::test]
async fn files_are_written_once_and_looking_at_them_costs_nothing_for_each() {
    let stage = Stage::new();
    stage.applied("first").await;
    let wanted = stage.stack("first");
    let files = wanted.resources.iter().filter(|one| one.address.kind() == "ssm.file").map(|one| one.spec.value());
    let mut files: Vec<(String, String)> = files
        .map(|spec| (spec["name"].as_str().unwrap().into(), spec["value"]["$at_create"].as_str().unwrap().into()))
        .collect();
    files.sort();
    assert!(files.len() > 3, "the long one has several parts");
    assert_eq!(stage.held().await, files);

    let calls = stage.applied("first").await;
    let ssm = calls.iter().filter(|call| call.name.service == "ssm");
    let mut actions: Vec<String> = ssm.map(|call| call.name.action.clone()).collect();
    actions.sort();
    let expected = ["DescribeParameters", "GetParameters", "GetParametersByPath", "ListTagsForResource"];
    assert_eq!(actions, expected, "the parameter of the manifest costs two, the stack's words one");

    let mut writes = stage.changed("second").await;
    writes.sort();
    assert_eq!(writes, ["PutParameter", "RegisterTaskDefinition", "UpdateService"]);
    assert_eq!(stage.contents().await[..2], ["first", "second"], "the definition before may be rolled back to");

    let mut writes = stage.changed("third one").await;
    writes.sort();
    let expected =
        ["DeleteParameter", "DeregisterTaskDefinition", "PutParameter", "RegisterTaskDefinition", "UpdateService"];
    assert_eq!(writes, expected);
    assert_eq!(stage.contents().await[..2], ["second", "third one"]);

    assert_eq!(stage.changed("second").await, ["UpdateService"], "a revert finds its definition and its content");

    // Somebody writes over it.
    let name = stage.held().await.into_iter().find(|(_, content)| content == "second").unwrap().0;
    let ssm = &stage.world.aws.as_deref().unwrap().ssm;
    ssm.put_parameter().name(&name).value("by hand").overwrite(true).send().await.unwrap();
    let look = stage.world.look(&stage.desired("second")).await.unwrap();
    let [step] = look.plan.steps.as_slice() else { panic!("{:?}", look.plan.steps) };
    assert!(matches!(&step.op, Op::Update { changes, .. } if changes[0].path == "intact"), "{step:?}");
    assert_eq!(stage.changed("second").await, ["PutParameter", "AddTagsToResource"]);
    assert!(stage.contents().await.contains(&"second".to_owned()));
    assert_eq!(stage.changed("second").await, [""; 0], "its version tells for ever, and its value that all is well");

    // Or takes the tags away that it is found by.
    let tags = ["gitops-agent:stack", "gitops-agent:address"].map(str::to_owned).to_vec();
    let call = ssm.remove_tags_from_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(&name);
    call.set_tag_keys(Some(tags)).send().await.unwrap();
    assert_eq!(stage.changed("second").await, ["AddTagsToResource"]);
    assert_eq!(stage.changed("second").await, [""; 0]);

    // Or has put another one in the place of one that is to come.
    let coming = stage.stack("coming").resources.into_iter().filter(|one| one.address.kind() == "ssm.file");
    let names = coming.map(|one| one.spec.value()["name"].as_str().unwrap().to_owned());
    let held: Vec<String> = stage.held().await.into_iter().map(|(name, _)| name).collect();
    let [new] = names.filter(|name| !held.contains(name)).collect::<Vec<_>>().try_into().unwrap();
    ssm.put_parameter().name(&new).value("by hand").r#type(ParameterType::String).send().await.unwrap();
    stage.applied("coming").await;
    assert!(stage.held().await.contains(&(new, "coming".to_owned())));
    assert_eq!(stage.changed("coming").await, [""; 0]);

    let end = stage.world.destroy(&stage.world.desired(Vec::new())).await.unwrap();
    assert_eq!(end.ended, Ended::Converged);
    assert_eq!(stage.held().await, []);
    let report = legal::check(&stage.wire.calls()).unwrap();
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}
