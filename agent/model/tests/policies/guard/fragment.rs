//! A fragment of `CloudFormation`, and what becomes of it: resources of this project's kinds, read by the types of their specs.

use std::collections::BTreeMap;
use std::error::Error;

use agent_core::address::Address;
use agent_core::desired::{Allow, Desired, Resource};
use agent_core::doc::Doc;
use agent_core::reference::ref_value;
use agent_model::kinds::table;
use serde_json::{Map, Value, json};

use super::{cloudfront, ec2, elb, iam, rest};

/// Why a fragment cannot be said in this project's kinds.
#[derive(Debug)]
pub struct No(pub String);

/// `No`, as an error.
pub fn no<T>(why: impl Into<String>) -> Result<T, No> {
    Err(No(why.into()))
}

/// The types of `CloudFormation` that there are kinds for, and what a reference to one leads to.
const TYPES: [(&str, &str, &str); 13] = [
    ("AWS::CloudFront::Distribution", "cloudfront.distribution", "id"),
    ("AWS::EC2::Route", "ec2.route_table", "id"),
    ("AWS::EC2::SecurityGroup", "ec2.security_group", "id"),
    ("AWS::EC2::SecurityGroupEgress", "ec2.security_group_rule", "id"),
    ("AWS::EC2::SecurityGroupIngress", "ec2.security_group_rule", "id"),
    ("AWS::EC2::Subnet", "ec2.subnet", "id"),
    ("AWS::ECS::TaskDefinition", "ecs.task_definition", "arn"),
    ("AWS::ElasticLoadBalancingV2::Listener", "elb.listener", "arn"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "elb.load_balancer", "arn"),
    ("AWS::IAM::ManagedPolicy", "iam.role", "arn"),
    ("AWS::IAM::Policy", "iam.role", "arn"),
    ("AWS::IAM::Role", "iam.role", "arn"),
    ("AWS::Logs::LogGroup", "logs.log_group", "arn"),
];

/// The kind of a type.
pub fn kind_of(cfn: &str) -> Option<&'static str> {
    TYPES.iter().find(|(name, _, _)| *name == cfn).map(|(_, kind, _)| *kind)
}

/// The resources of a fragment, and those that they have become.
pub struct Fragment<'a> {
    /// By logical id.
    pub resources: &'a Map<String, Value>,
    made: BTreeMap<Address, Value>,
}

impl<'a> Fragment<'a> {
    /// A fragment of which nothing has become anything.
    pub fn new(resources: &'a Map<String, Value>) -> Self {
        Self { resources, made: BTreeMap::new() }
    }

    /// The type of a resource.
    pub fn type_of(&self, id: &str) -> &'a str {
        self.resources.get(id).and_then(|resource| resource["Type"].as_str()).unwrap_or_default()
    }

    /// The component that a resource becomes.
    pub fn component(id: &str) -> String {
        format!("cfn.{}", id.to_ascii_lowercase())
    }

    /// The address of what a resource becomes.
    pub fn address(id: &str, kind: &str) -> Address {
        Address::new(&Self::component(id), kind)
    }

    /// Another of what a resource becomes.
    pub fn keyed(id: &str, kind: &str, key: usize) -> Address {
        Address::keyed(&Self::component(id), kind, &key.to_string())
    }

    /// Adds what a resource has become.
    pub fn make(&mut self, address: Address, spec: Value) {
        self.made.insert(address, spec);
    }

    /// Adds to what another resource becomes, or will.
    pub fn change(&mut self, address: Address, change: impl FnOnce(&mut Value)) {
        change(self.made.entry(address).or_insert_with(|| json!({})));
    }

    /// A field that names another resource. One that is not in the fragment has a name, and no more.
    pub fn link(&self, value: &Value, word: &str) -> Result<Value, No> {
        if let Some(text) = value.as_str() {
            return Ok(text.into());
        }
        let Some(id) = referred(value) else { return no(format!("{value} is no reference")) };
        let known = TYPES.iter().find(|(name, _, _)| *name == self.type_of(id));
        Ok(match known {
            Some((_, kind, field)) => ref_value(&Self::address(id, kind), field),
            None => format!("{word}-{}", id.to_ascii_lowercase()).into(),
        })
    }

    /// A text, whatever it is put together from. Of what is not known the name stands for the value.
    pub fn text(&self, value: &Value) -> Result<String, No> {
        if let Some(id) = referred(value) {
            let certificate = self.type_of(id) == "AWS::CertificateManager::Certificate";
            let arn = format!("arn:aws:acm:eu-west-1:123456789012:certificate/{id}");
            return Ok(if certificate { arn } else { format!("${{{id}}}") });
        }
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
            Value::Object(map) => match (map.get("Fn::Join"), map.get("Fn::Sub")) {
                (Some(join), _) => {
                    let pieces = join[1].as_array().into_iter().flatten().map(|piece| self.text(piece));
                    Ok(pieces.collect::<Result<Vec<_>, _>>()?.join(join[0].as_str().unwrap_or_default()))
                }
                (None, Some(sub)) => self.text(if sub.is_array() { &sub[0] } else { sub }),
                (None, None) => no(format!("{value} is no text")),
            },
            _ => no(format!("{value} is no text")),
        }
    }

    /// All resources for which there are kinds, translated.
    pub fn translate(&mut self) -> Result<(), No> {
        for (id, resource) in self.resources {
            let cfn = self.type_of(id);
            let props = Props::new(cfn, resource.get("Properties").unwrap_or(&Value::Null))?;
            match cfn {
                "AWS::CloudFront::Distribution" => cloudfront::distribution(self, id, props)?,
                "AWS::EC2::Route" => ec2::route(self, id, props)?,
                "AWS::EC2::SecurityGroup" => ec2::group(self, id, props)?,
                "AWS::EC2::SecurityGroupIngress" => ec2::rule(self, id, "ingress", props)?,
                "AWS::EC2::SecurityGroupEgress" => ec2::rule(self, id, "egress", props)?,
                "AWS::EC2::Subnet" => ec2::subnet(self, id, props)?,
                "AWS::ECS::TaskDefinition" => rest::task_definition(self, id, props)?,
                "AWS::ElasticLoadBalancingV2::Listener" => elb::listener(self, id, props)?,
                "AWS::ElasticLoadBalancingV2::LoadBalancer" => elb::load_balancer(self, id, props)?,
                "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" => iam::policy(self, id, props)?,
                "AWS::IAM::Role" => iam::role(self, id, props)?,
                "AWS::Logs::LogGroup" => rest::log_group(self, id, props)?,
                // What there is no kind for is not in the stack. Where a rule is about it, the case is not asked at all.
                _ => {}
            }
        }
        Ok(())
    }

    /// What is wanted, if the types of the specs take what has been made.
    pub fn desired(&self) -> Result<Desired, No> {
        let kinds = table();
        let mut resources = Vec::new();
        for (address, value) in &self.made {
            let kind = kinds.get(address.kind()).ok_or_else(|| No(format!("{address} has no kind")))?;
            let spec = (kind.normal)(&Doc::from_value(value)).map_err(|misfit| No(cause(&misfit)))?;
            resources.push(Resource {
                address: address.clone(),
                spec,
                protect: false,
                adopt: None,
                ignore: Vec::new(),
            });
        }
        Desired::build("cfn", resources, Allow::default(), &kinds).map_err(|incoherent| No(format!("{incoherent:?}")))
    }
}

/// What is at the bottom of an error.
fn cause(mut error: &dyn Error) -> String {
    while let Some(below) = error.source() {
        error = below;
    }
    // The column is that of no text that anybody sees.
    let text = error.to_string();
    text.split_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

/// The logical id that a reference names.
pub fn referred(value: &Value) -> Option<&str> {
    value.get("Ref").and_then(Value::as_str).or_else(|| value.get("Fn::GetAtt")?.get(0)?.as_str())
}

/// The properties of something, of which each has to be taken.
pub struct Props<'a> {
    of: String,
    left: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Props<'a> {
    /// Those of a table; none of nothing.
    pub fn new(of: &str, value: &'a Value) -> Result<Self, No> {
        let left = match value {
            Value::Null => BTreeMap::new(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.as_str(), value)).collect(),
            _ => return no(format!("{of} is no table")),
        };
        Ok(Self { of: of.to_owned(), left })
    }

    /// One of them, if it is there.
    pub fn take(&mut self, key: &str) -> Option<&'a Value> {
        self.left.remove(key).filter(|value| !value.is_null())
    }

    /// A list; one alone is a list of one.
    pub fn list(&mut self, key: &str) -> Vec<&'a Value> {
        match self.take(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        }
    }

    /// The tables of a list, each with a name of its own.
    pub fn tables(&mut self, key: &str) -> Result<Vec<Self>, No> {
        let of = format!("{}.{key}", self.of);
        self.list(key).into_iter().map(|value| Self::new(&of, value)).collect()
    }

    /// A table.
    pub fn table(&mut self, key: &str) -> Result<Option<Self>, No> {
        let of = format!("{}.{key}", self.of);
        self.take(key).map(|value| Self::new(&of, value)).transpose()
    }

    /// Says no where something is left.
    pub fn done(mut self) -> Result<(), No> {
        self.left.remove("Tags");
        match self.left.keys().next() {
            None => Ok(()),
            Some(key) => no(format!("{}: there is no field for `{key}`", self.of)),
        }
    }
}

/// Whether a value says yes, as a truth value or as text.
pub fn is_true(value: &Value) -> bool {
    value == &json!(true) || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
