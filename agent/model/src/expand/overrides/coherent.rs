//! What a service says of its containers, and what these say: each alone can be right, and both together wrong.

use agent_core::desired::Resource;
use agent_core::kind::Kind;
use agent_core::manifest::overriding;
use agent_core::source::Problem;

use super::{CODE, Override};
use crate::components::Place;
use crate::kinds::ecs::service::{self, Service};
use crate::kinds::ecs::task_definition::{self, TaskDefinition};

/// Reports what an override has torn apart.
pub(super) fn check(made: &[Resource], all: &[Override<'_>], at: &mut Place<'_>) {
    let touched = |kind: &str| all.iter().any(|one| one.which == kind);
    if !touched(Service::NAME) && !touched(TaskDefinition::NAME) {
        return;
    }
    let of = |kind: &str| made.iter().find(|resource| resource.address.kind() == kind);
    let (Some(service), Some(definition)) = (of(Service::NAME), of(TaskDefinition::NAME)) else { return };
    let Ok(spec) = service.spec.typed::<service::Spec>() else { return };
    // Another definition than the component's own is nobody's business here.
    if spec.task_definition.address() != Some(&definition.address) {
        return;
    }
    let Ok(tasks) = definition.spec.typed::<task_definition::Spec>() else { return };
    for (fields, message) in torn(&spec, &tasks) {
        let place = fields.iter().find_map(|(kind, path)| {
            let one = all.iter().find(|one| one.which == *kind)?;
            let path: Vec<String> = path.iter().map(|&word| word.to_owned()).collect();
            overriding(one.node, &path).or_else(|| path.is_empty().then(|| one.span.clone()))
        });
        let Some(place) = place else { continue };
        at.problems.push(Problem::new(CODE, format!("`{}`: {message}", at.address())).at(&place));
    }
}

/// Fields that may be to blame, each with its kind.
type Fields<'a> = Vec<(&'static str, Vec<&'a str>)>;

fn torn<'a>(service: &'a service::Spec, tasks: &'a task_definition::Spec) -> Vec<(Fields<'a>, String)> {
    let mut found = Vec::new();
    for target in &service.load_balancers {
        let (name, port) = (target.container_name.as_str(), target.container_port);
        let container = tasks.containers.get(name);
        let maps =
            |container: &task_definition::Container| container.port_mappings.iter().any(|m| m.container_port == port);
        if !container.is_some_and(maps) {
            let fields = vec![
                (TaskDefinition::NAME, vec!["containers", name, "port_mappings"]),
                (Service::NAME, vec!["load_balancers"]),
            ];
            let message = match container {
                Some(_) => {
                    format!("its load balancer sends to port {port} of the container `{name}`, which maps no such port")
                }
                None => format!("its load balancer sends to the container `{name}`, which is not there"),
            };
            found.push((fields, message));
        }
    }
    let served = service.service_connect.iter().flat_map(|connect| connect.services.keys());
    for port in served {
        let named = |container: &&task_definition::Container| {
            container.port_mappings.iter().any(|mapping| mapping.name.as_deref() == Some(port))
        };
        if tasks.containers.values().any(|container| named(&container)) {
            continue;
        }
        let mut fields: Fields<'a> = tasks
            .containers
            .keys()
            .map(|name| (TaskDefinition::NAME, vec!["containers", name.as_str(), "port_mappings"]))
            .collect();
        fields.push((Service::NAME, vec!["service_connect", "services", port]));
        found.push((
            fields,
            format!("it serves its port `{port}` to others, and no container has a port mapping of that name"),
        ));
    }
    found
}
