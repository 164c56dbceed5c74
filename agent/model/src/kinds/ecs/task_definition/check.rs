//! What ECS would refuse when a definition is registered, although each field by itself is as it should be. After
//! [task definition parameters](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html).

use agent_core::kind::Unsound;

use super::container::Condition;
use super::{Compatibility, OperatingSystemFamily, Spec, size};

/// All of it.
pub fn check(spec: &Spec) -> Vec<Unsound> {
    let mut found = Vec::new();
    found.extend(sized(spec));
    if !spec.containers.is_empty() && spec.containers.values().all(|container| !container.essential) {
        let paths = spec.containers.keys().map(|name| way(&["containers", name, "essential"])).collect();
        found.push(Unsound { paths, message: "a task needs a container that is essential".to_owned() });
    }
    for (name, container) in &spec.containers {
        let mut bad = |field: &[&str], message: String| {
            found.push(Unsound { paths: vec![way(&[&["containers", name.as_str()], field].concat())], message });
        };
        for (other, condition) in &container.depends_on {
            let field = ["depends_on", other.as_str()];
            match spec.containers.get(other) {
                None => bad(&field, format!("the container `{name}` waits for `{other}`, which is not there")),
                Some(_) if other == name => bad(&field, format!("the container `{name}` waits for itself")),
                Some(other_one) if *condition == Condition::Healthy && other_one.health_check.is_none() => {
                    bad(
                        &field,
                        format!("the container `{name}` waits until `{other}` is healthy, which has no health check"),
                    );
                }
                Some(_) => {}
            }
        }
        for (place, mount) in &container.mount_points {
            let volume = &mount.source_volume;
            if !spec.volumes.contains_key(volume) {
                bad(
                    &["mount_points", place],
                    format!(
                        "the container `{name}` has the volume `{volume}` at `{place}`, and the task has none of that name"
                    ),
                );
            }
        }
    }
    found
}

/// Whether Fargate has tasks of the size.
fn sized(spec: &Spec) -> Option<Unsound> {
    if !spec.requires_compatibilities.contains(&Compatibility::Fargate) {
        return None;
    }
    let windows = spec.runtime_platform.operating_system_family != OperatingSystemFamily::Linux;
    let error = size::check(spec.cpu, spec.memory, windows).err()?;
    let paths = ["memory", "cpu", "runtime_platform", "requires_compatibilities"].map(|field| way(&[field])).to_vec();
    Some(Unsound { paths, message: error.to_string() })
}

fn way(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}
