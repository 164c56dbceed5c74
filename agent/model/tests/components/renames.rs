//! Components that are called otherwise than before: what they make, and what people are told.

use std::path::Path;

use agent_core::manifest::limits::Limits;
use agent_core::manifest::{FormerNames, StackFiles, find_stacks, load};
use agent_core::source::{Problems, Sources, render_text};
use agent_model::components::language;
use agent_model::expand::expand;

use crate::{BASE, HEADER, addresses, answers, expanded, made, refused, snapshot};

const SERVICE: &str =
    "[service.web]\nimage = \"web:1\"\nport = 80\nexpose = [{ load_balancer = \"edge\", path = \"/*\" }]\n";

/// A stack of everything, with the names of its components filled in, and `former` under the header of each.
fn stack(names: [&str; 4], former: [Option<&str>; 4]) -> String {
    let [network, balancer, parameter, service] = names;
    let was = former.map(|former| former.map(|name| format!("renamed_from = \"{name}\"\n")).unwrap_or_default());
    format!(
        "[network.{network}]\n{}cidr = \"10.20.0.0/16\"\ntiers = [\"public\", \"private\"]\n\
         [load_balancer.{balancer}]\n{}network = \"{network}\"\nlisteners = {{ 80 = {{}}, 81 = {{}} }}\n\
         origin_header = {{ name = \"X-Origin-Verify\" }}\n\
         [parameter.{parameter}]\n{}generate = true\n\
         [service.{service}]\n{}image = \"web:1\"\nport = 80\nnetwork = \"network.{network}\"\n\
         secrets = {{ TOKEN = \"parameter.{parameter}\" }}\nuses = [\"parameter.{parameter}\"]\n\
         env = {{ URL = \"http://${{load_balancer.{balancer}.dns_name}}/\" }}\n\
         expose = [{{ load_balancer = \"{balancer}\", listener = 80, path = \"/a/*\" }}, {{ load_balancer = \"load_balancer.{balancer}\", listener = 81, path = \"/b\" }}]\n\
         [outputs]\nurl = \"${{load_balancer.{balancer}.dns_name}}\"\n",
        was[0], was[1], was[2], was[3],
    )
}

/// What is made of a renamed component is what was made of it before, but for the addresses.
#[test]
fn nothing_but_addresses_differs() {
    let before = made(&stack(["main", "edge", "token", "web"], [None; 4]));
    let now = made(&stack(["zeta", "alpha", "key", "app"], [Some("main"), Some("edge"), Some("token"), Some("web")]));
    let readdressed = |text: &str| {
        [("network.main/", "network.zeta/"), ("load_balancer.edge/", "load_balancer.alpha/")]
            .iter()
            .chain(&[("parameter.token/", "parameter.key/"), ("service.web/", "service.app/")])
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let mut expected: Vec<(String, String)> = before
        .resources
        .iter()
        // The name of a parameter has the address of its component in it, and stays.
        .map(|one| {
            (readdressed(one.address.as_str()), readdressed(&one.spec.as_str().replace("/um/load_balancer.edge/", "@")))
        })
        .collect();
    expected.sort();
    let got: Vec<(String, String)> = now
        .resources
        .iter()
        .map(|one| (one.address.to_string(), one.spec.as_str().replace("/um/load_balancer.edge/", "@")))
        .collect();
    assert_eq!(got, expected);
    let outputs = |text: &str| readdressed(text);
    assert_eq!(format!("{:?}", now.outputs), outputs(&format!("{:?}", before.outputs)));
    let (before, now) = (before.desired().unwrap(), now.desired().unwrap());
    for (address, wanted) in &before.resources {
        let other = &now.resources[&readdressed(address.as_str()).parse().unwrap()];
        assert_eq!(wanted.generation, other.generation, "{address}: a rename is no new generation");
    }
}

/// Whatever types of components the examples come to have: each can be renamed, and all that names it finds it.
#[test]
fn each_component_of_the_examples_can_be_renamed() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests");
    let tree = StackFiles::from_dir(&examples, &Limits::default()).unwrap();
    let mut renamed = 0;
    for dir in find_stacks(&tree) {
        let (mut sources, mut problems) = (Sources::new(), Problems::new());
        let manifest = load(&tree, &dir, &language(), &mut sources, &mut problems).unwrap();
        for n in 0..manifest.components.len() {
            let mut manifest = manifest.clone();
            let decl = &mut manifest.components[n];
            if agent_model::components::later::is_type(&decl.kind) || decl.name.contains('.') {
                continue;
            }
            decl.common.renamed_from = Some(FormerNames::One("formerly".into()));
            let (own, former) = (decl.address(), format!("{}.formerly/", decl.kind));
            let expanded = expand(&manifest, &answers(), &mut problems);
            let expanded = expanded.unwrap_or_else(|| panic!("{own}: {}", render_text(&problems, &sources, false)));
            assert!(!addresses(&expanded.resources).iter().any(|address| address.starts_with(&former)), "{own}");
            expanded.desired().unwrap_or_else(|incoherent| panic!("{own}: {incoherent:?}"));
            renamed += 1;
        }
    }
    assert!(renamed >= 4, "{renamed}");
}

#[test]
fn problems_call_a_component_what_the_manifest_calls_it() {
    let service = SERVICE.replace(
        "[service.web]",
        "[service.web]\nrenamed_from = \"app\"\ncpu = 300\nports = { a = 1 }\nuses = [\"parameter.x\"]",
    );
    snapshot!(refused(&format!("{BASE}\n{service}")));
}

#[test]
fn a_former_name_names_nothing_any_more() {
    let base = BASE.replace("[load_balancer.edge]", "[load_balancer.front]\nrenamed_from = \"edge\"");
    let text = format!("{base}\n{SERVICE}env = {{ A = \"${{load_balancer.edge.dns_name}}\" }}\n");
    snapshot!(refused(&text));
}

#[test]
fn former_names_that_cannot_be() {
    let text = format!(
        "{BASE}\n[parameter.a]\nvalue = \"a\"\nrenamed_from = \"Old One\"\n[parameter.b]\nvalue = \"b\"\nrenamed_from = \"a\"\n\
         [parameter.c]\nvalue = \"c\"\nrenamed_from = \"gone\"\n[parameter.d]\nvalue = \"d\"\nrenamed_from = \"gone\"\n\
         [parameter.e]\nvalue = \"e\"\nrenamed_from = \"e\"\n[parameter.f]\nvalue = \"f\"\n\
         renamed_from = [\"fine\", \"a_b\", \"c\", \"gone\"]\n[parameter.g]\nvalue = \"g\"\nrenamed_from = 1\n"
    );
    snapshot!(refused(&text));
}

/// The cluster that goes without saying is `main`, and may be written down under another name later.
#[test]
fn the_cluster_that_goes_without_saying_can_be_renamed() {
    let plain = expanded(&format!("{HEADER}{BASE}{SERVICE}"), &answers()).unwrap();
    let named =
        expanded(&format!("{HEADER}{BASE}{SERVICE}[cluster.prod]\nrenamed_from = \"main\"\n"), &answers()).unwrap();
    let name = |resources: &[agent_core::desired::Resource], address: &str| {
        crate::spec(resources, address)["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(name(&plain.resources, "cluster.main/ecs.cluster"), name(&named.resources, "cluster.prod/ecs.cluster"));
    assert!(!addresses(&named.resources).iter().any(|address| address.starts_with("cluster.main/")));
}
