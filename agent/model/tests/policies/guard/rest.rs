//! Task definitions and log groups.

use agent_model::kinds::logs::log_group::Days;
use serde_json::{Map, json};

use super::fragment::{Fragment, No, Props, is_true, no};

/// `AWS::ECS::TaskDefinition`. Its size and the images of its containers are left out of fragments.
pub fn task_definition(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let family = props.take("Family").map_or(Ok(id.to_owned()), |family| fragment.text(family))?;
    let mut spec = json!({ "family": family, "cpu": 256, "memory": 512 });
    if let Some(mode) = props.take("NetworkMode") {
        spec["network_mode"] = fragment.text(mode)?.into();
    }
    let mut containers = Map::new();
    for mut container in props.tables("ContainerDefinitions")? {
        let Some(name) = container.take("Name") else { return no("a container without a name") };
        let image = container.take("Image").map_or(Ok("image:1".to_owned()), |image| fragment.text(image))?;
        let mut own = json!({ "image": image });
        if let Some(user) = container.take("User") {
            own["user"] = fragment.text(user)?.into();
        }
        if container.take("Privileged").is_some_and(is_true) {
            return no("there is no field for `Privileged`: no container is");
        }
        container.done()?;
        containers.insert(fragment.text(name)?, own);
    }
    spec["containers"] = containers.into();
    props.done()?;
    fragment.make(Fragment::address(id, "ecs.task_definition"), spec);
    Ok(())
}

/// `AWS::Logs::LogGroup`
pub fn log_group(fragment: &mut Fragment<'_>, id: &str, mut props: Props<'_>) -> Result<(), No> {
    let name = props.take("LogGroupName").map_or(Ok(id.to_owned()), |name| fragment.text(name))?;
    let mut spec = json!({ "name": name });
    if let Some(days) = props.take("RetentionInDays") {
        // What AWS cannot keep no manifest can say; the spec holds it, for it is what AWS answers as well.
        let number = days.as_i64().and_then(|days| i32::try_from(days).ok()).unwrap_or_default();
        spec["retention_in_days"] = Days::try_from(number).map_err(|wrong| No(wrong.to_string()))?.0.into();
    }
    if let Some(key) = props.take("KmsKeyId") {
        spec["kms_key_id"] = fragment.text(key)?.into();
    }
    props.done()?;
    fragment.make(Fragment::address(id, "logs.log_group"), spec);
    Ok(())
}
