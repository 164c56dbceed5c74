//! The config files that a definition names, in the text that the program in its tasks reads.

use agent_core::kind::Mention;
use agent_core::reference::Target;
use agent_files::contract::VARIABLE;
use serde_json::Value;

use crate::kinds::ssm::file::FileName;

/// The parameters that the containers of a definition fetch. It may be of another release of this program, so what does
/// not read as this one writes it is passed over.
pub(super) fn mentioned(spec: &Value) -> Vec<Mention> {
    let containers = spec.get("containers").and_then(Value::as_object).into_iter().flatten();
    let texts = containers.filter_map(|(name, container)| {
        let text = container.get("environment")?.get(VARIABLE)?.as_str()?;
        Some((format!("containers.{name}.environment.{VARIABLE}"), serde_json::from_str::<Value>(text).ok()?))
    });
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    texts
        .flat_map(|(path, text)| {
            let files = list(&text, "directories").into_iter().flat_map(move |directory| list(&directory, "files"));
            let parameters = files.flat_map(move |file| list(&file, "parameters"));
            parameters.filter_map(move |name| {
                let target = format!("{}.{}", FileName::KIND, FileName::FIELD);
                Some(Mention { path: path.clone(), target, value: name.as_str()?.to_owned() })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use agent_files::contract::{Directory, Encoding, File, Files};
    use serde_json::json;

    use super::*;

    fn definition(text: &str) -> Value {
        json!({"containers": {
            "web": {"image": "i", "environment": {"A": "b"}},
            "agent-files": {"image": "i", "environment": {VARIABLE: text}},
        }})
    }

    #[test]
    fn all_parts_of_all_files_are_mentioned() {
        let file = |parameters: &[&str]| File {
            name: "a".into(),
            mode: "0644".into(),
            owner: "0:0".into(),
            sha256: String::new(),
            parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
            encoding: Encoding::Plain,
            insertions: Vec::new(),
        };
        let directory = |files| Directory { path: "/etc/a".into(), volume: "/v".into(), replace: false, files };
        let directories = vec![directory(vec![file(&["/a", "/b"]), file(&[])]), directory(vec![file(&["/c"])])];
        let text = serde_json::to_string(&Files { version: 1, directories }).unwrap();
        let found = mentioned(&definition(&text));
        assert_eq!(found.iter().map(|one| one.value.as_str()).collect::<Vec<_>>(), ["/a", "/b", "/c"]);
        assert!(found.iter().all(|one| one.target == "ssm.file.name"));
        assert!(found.iter().all(|one| one.path == "containers.agent-files.environment.GITOPS_AGENT_FILES"));
    }

    #[test]
    fn what_another_release_wrote_is_no_error() {
        for text in ["", "{", "[]", "{\"directories\": 1}", "{\"directories\": [{\"files\": [{\"parameters\": [1]}]}]}"]
        {
            assert_eq!(mentioned(&definition(text)), [], "{text}");
        }
        assert_eq!(mentioned(&Value::Null), []);
    }
}
