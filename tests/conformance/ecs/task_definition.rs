//! Samples of `ecs.task_definition`.

use std::collections::BTreeMap;

use agent_core::address::Address;
use agent_core::doc::Doc;
use agent_core::kind::Kind;
use agent_core::reference::{Link, Text};
use agent_model::kinds::ecs::task_definition::container::{Capabilities, LinuxParameters, LogConfiguration, ValueFrom};
use agent_model::kinds::ecs::task_definition::{
    Container, CpuArchitecture, EfsVolume, RuntimePlatform, Spec, TaskDefinition, Volume,
};
use agent_model::kinds::iam::policy::PolicyDocument;
use agent_model::kinds::iam::role::{Role, path_of};
use agent_model::kinds::logs::log_group::{LogGroup, name_of};
use agent_model::kinds::ssm::parameter::Parameter;
use serde_json::json;

use super::{need, spec, tags};
use crate::conformance::suite::STACK;
use crate::conformance::{Sample, doc};

/// What a definition names: roles, a log group, a parameter.
fn named_by_definition() -> Vec<(Address, Doc)> {
    let trust =
        serde_json::to_value(PolicyDocument::assume_by("ecs-tasks.amazonaws.com", [])).expect("a policy is a value");
    let of_role = |key: &str| {
        let members = json!({
            "name": format!("conformance-{key}-eu-west-1"), "path": path_of(STACK), "assume_role_policy": trust.clone(),
        });
        need::<Role>("service.web", Some(key), members)
    };
    let group = Address::new("service.web", LogGroup::NAME);
    let name = name_of(STACK, &group);
    vec![
        of_role("execution"),
        of_role("task"),
        (group, doc(&spec::<LogGroup>(json!({ "name": name })))),
        need::<Parameter>("parameter.key", None, json!({"name": "/conformance/key", "value": "x"})),
    ]
}

fn logs() -> LogConfiguration {
    let group = Address::new("service.web", LogGroup::NAME);
    let options = [
        ("awslogs-group", Text::reference(group, "name")),
        ("awslogs-region", "eu-west-1".into()),
        ("awslogs-stream-prefix", "web".into()),
    ];
    LogConfiguration {
        options: options.map(|(name, value)| (name.to_owned(), value)).into(),
        ..LogConfiguration::default()
    }
}

/// A container that says something in each of its fields.
fn web() -> Container {
    let members = json!({
        "image": "public.ecr.aws/nginx/nginx:1.27",
        "command": ["nginx", "-g", "daemon off;"],
        "entry_point": ["/docker-entrypoint.sh"],
        "environment": {"LOG_LEVEL": "info", "spring.name": "web", "EMPTY": ""},
        "port_mappings": [
            {"container_port": 8080, "name": "http", "app_protocol": "http"},
            {"container_port": 53, "protocol": "udp"},
            {"container_port": 53, "protocol": "tcp"},
        ],
        "health_check": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/ || exit 1"], "start_period": 10},
        "depends_on": {"files": "SUCCESS"},
        "mount_points": {"/etc/nginx": {"source_volume": "files", "read_only": true}, "/data": {"source_volume": "data"}},
        "readonly_root_filesystem": true,
        "user": "101:101",
        "working_directory": "/srv",
        "linux_parameters": {"init_process_enabled": true, "capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}},
        "start_timeout": 60,
        "stop_timeout": 90,
        "ulimits": {"nofile": {"soft_limit": 4096, "hard_limit": 8192}},
        "docker_labels": {"team": "web"},
        "system_controls": {"net.core.somaxconn": "1024"},
        "cpu": 128,
        "memory": 400,
        "memory_reservation": 200,
        "repository_credentials": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ghcr-AbCdEf",
        "restart_policy": {"ignored_exit_codes": [0, 143], "restart_attempt_period": 60},
        "version_consistency": "disabled",
    });
    let mut web: Container = serde_json::from_value(members).expect("a sample fits its kind");
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::";
    web.secrets = BTreeMap::from([
        ("KEY".to_owned(), ValueFrom::Parameter(Link::to("parameter.key"))),
        (
            "KEY_AS_TEXT".to_owned(),
            ValueFrom::Text(Text::reference(Address::new("parameter.key", "ssm.parameter"), "arn")),
        ),
        ("PASSWORD".to_owned(), ValueFrom::Text(secret.into())),
    ]);
    web.log_configuration = Some(logs());
    web
}

fn efs() -> Volume {
    Volume {
        efs_volume_configuration: Some(EfsVolume {
            file_system_id: "fs-0123456789abcdef0".into(),
            root_directory: "/".into(),
            transit_encryption: true,
            access_point_id: Some("fsap-0123456789abcdef0".into()),
            iam: true,
        }),
    }
}

fn definition() -> Spec {
    let files = Container {
        essential: false,
        log_configuration: Some(logs()),
        ..Container::new("public.ecr.aws/docker/library/busybox:1")
    };
    Spec {
        execution_role: Some(Link::keyed("service.web", "execution")),
        task_role: Some(Link::keyed("service.web", "task")),
        runtime_platform: RuntimePlatform { cpu_architecture: CpuArchitecture::Arm, ..RuntimePlatform::default() },
        ephemeral_storage_gib: Some(30),
        containers: [("web".to_owned(), web()), ("files".to_owned(), files)].into(),
        volumes: [("files".to_owned(), Volume::default()), ("data".to_owned(), efs())].into(),
        tags: tags("team"),
        ..spec::<TaskDefinition>(json!({"family": "conformance-web", "cpu": 512, "memory": 1024, "containers": {}}))
    }
}

/// A definition with all that it can have.
pub fn samples() -> Vec<Sample> {
    let base = definition();
    let with_web = |change: &dyn Fn(&mut Container)| {
        let mut web = web();
        change(&mut web);
        let mut changed = base.clone();
        changed.containers.insert("web".into(), web);
        doc(&changed)
    };
    let alone = Spec { containers: [("web".to_owned(), Container::new("x:1"))].into(), ..base.clone() };
    vec![Sample {
        needs: named_by_definition(),
        address: Address::new("service.web", TaskDefinition::NAME),
        spec: doc(&base),
        changes: vec![
            ("another image: a new revision", with_web(&|web| web.image = "public.ecr.aws/nginx/nginx:1.28".into())),
            ("another variable", with_web(&|web| drop(web.environment.insert("LOG_LEVEL".into(), "debug".into())))),
            ("a variable less", with_web(&|web| drop(web.environment.remove("LOG_LEVEL")))),
            ("another secret", with_web(&|web| drop(web.secrets.remove("PASSWORD")))),
            ("a port less", with_web(&|web| drop(web.port_mappings.pop_last()))),
            ("no health check", with_web(&|web| web.health_check = None)),
            ("no logs", with_web(&|web| web.log_configuration = None)),
            ("all capabilities", with_web(&|web| web.linux_parameters = LinuxParameters::default())),
            (
                "one capability less",
                with_web(&|web| {
                    web.linux_parameters.capabilities =
                        Capabilities { drop: ["NET_RAW".to_owned()].into(), ..Default::default() }
                }),
            ),
            ("AWS's own time to stop", with_web(&|web| web.stop_timeout = 30)),
            ("a size of its own", doc(&Spec { cpu: 1024, memory: 2048, ..base.clone() })),
            ("another processor", doc(&Spec { runtime_platform: RuntimePlatform::default(), ..base.clone() })),
            ("no task role", doc(&Spec { task_role: None, ..base.clone() })),
            ("AWS's own disk", doc(&Spec { ephemeral_storage_gib: None, ..base.clone() })),
            ("the least that can be written", doc(&Spec { volumes: BTreeMap::new(), ..alone })),
            ("another tag: no new revision", doc(&Spec { tags: tags("other"), ..base.clone() })),
            ("another family", doc(&Spec { family: "conformance-other".into(), ..base.clone() })),
        ],
        emulator_gaps: Vec::new(),
    }]
}
