//! The keys that every component has: what they do to the resources that it made.

use agent_core::address::Address;
use agent_core::desired::Resource;
use agent_core::source::Problem;

use crate::components::{Place, list};

/// The resources of one component with `protect`, `adopt` and `ignore` applied.
pub(super) fn applied(mut made: Vec<Resource>, at: &mut Place<'_>) -> Vec<Resource> {
    let common = at.decl.common.clone();
    if common.protect == Some(true) {
        for resource in &mut made {
            resource.protect = true;
        }
    }
    for (which, id) in &common.adopt {
        let span = at.decl.common_node.locate_key(&["adopt", which]);
        let known = kinds_of(&made);
        let fitting: Vec<&mut Resource> = made.iter_mut().filter(|r| is_meant(&r.address, which)).collect();
        let several: Vec<String> = fitting.iter().map(|r| rest_of(&r.address).to_owned()).collect();
        let own = at.decl.address();
        match several.as_slice() {
            [_] => fitting.into_iter().for_each(|resource| resource.adopt = Some(id.clone())),
            [] => {
                let problem = Problem::new("bad-adopt", format!("`{own}` makes no `{which}`")).at(&span);
                at.problems.push(problem.hint(format!("it makes {}", list(known.iter().map(String::as_str)))));
            }
            [first, ..] => {
                let message =
                    format!("`{own}` makes {} of `{which}`, and one id can be only one of them", several.len());
                let problem = Problem::new("bad-adopt", message).at(&span);
                at.problems.push(problem.hint(format!("say which: `\"{first}\" = \"{id}\"`")));
            }
        }
    }
    for (number, ignore) in common.ignore.iter().enumerate() {
        let path = ["ignore".to_owned(), number.to_string(), "path".to_owned()];
        let Some((which, field)) = ignore.path.split_once('/').filter(|(_, field)| !field.is_empty()) else {
            let message = format!("`{}` names no field of a resource", ignore.path);
            at.hinted("bad-ignore", &path, message, "write kind and field: `\"ecs.service/desired_count\"`");
            continue;
        };
        let mut found = false;
        for resource in made.iter_mut().filter(|resource| is_meant(&resource.address, which)) {
            resource.ignore.push(field.replace('/', "."));
            found = true;
        }
        if !found {
            let known = kinds_of(&made);
            let hint = format!("it makes {}", list(known.iter().map(String::as_str)));
            at.hinted("bad-ignore", &path, format!("`{}` makes no `{which}`", at.address()), hint);
        }
    }
    made
}

/// `ec2.subnet.private-1`
fn rest_of(address: &Address) -> &str {
    address.as_str().split_once('/').map_or("", |(_, rest)| rest)
}

/// Whether `which` (a kind, or a kind and a key) means the resource.
fn is_meant(address: &Address, which: &str) -> bool {
    address.kind() == which || rest_of(address) == which
}

fn kinds_of(made: &[Resource]) -> Vec<String> {
    made.iter().map(|resource| rest_of(&resource.address).to_owned()).collect()
}
