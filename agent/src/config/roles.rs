//! `[[role]]`: the roles that the agent takes on for stacks, so that one agent looks after many accounts. Which role a stack gets
//! is said here alone: a manifest names its account and its region, never a role.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agent_core::manifest::stack::check_each_tag;
use agent_core::manifest::tree::Node;
use agent_core::source::{Problem, Problems};
use schemars::JsonSchema;
use serde::Deserialize;

use super::signers::Files;
use super::{At, credential, stacks};

/// Most tags of a session
/// ([AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)); one is [`STACK_TAG`].
const MOST_TAGS: usize = 49;
/// The tag of the session that tells which stack it is for; resources of the stack have it too.
pub const STACK_TAG: &str = "gitops-agent:stack";

/// A role that the agent takes on for some stacks of an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The role: `arn:aws:iam::111122223333:role/gitops-agent`. Its account is where the stacks live.
    pub arn: String,
    /// The stacks of that account that it is taken on for: names such as `um`, or beginnings of names such as `web-*`.
    pub stacks: Vec<String>,
    /// What the role's trust policy asks for as `sts:ExternalId`.
    pub external_id: Option<String>,
    /// A file that holds it; a bare name is one of systemd's credentials (`LoadCredential=`). Read each time.
    pub external_id_file: Option<PathBuf>,
    /// Tags of the session. Where there are any, or `{}`, the tag `gitops-agent:stack` with the name of the stack is beside
    /// them, and the trust policy has to allow `sts:TagSession`.
    pub tags: Option<BTreeMap<String, String>>,
}

impl Role {
    /// Its account.
    pub fn account(&self) -> &str {
        parts(&self.arn).map_or("", |(account, _)| account)
    }

    /// The external id; why there is none, if there should be one.
    pub fn external_id(&self) -> Result<Option<String>, String> {
        let Some(file) = &self.external_id_file else { return Ok(self.external_id.clone()) };
        let text = std::fs::read_to_string(credential(file)).map_err(|error| error.to_string())?;
        let id = text.trim();
        if is_external_id(id) { Ok(Some(id.to_owned())) } else { Err(NO_ID.to_owned()) }
    }

    /// The tags of a session for a stack.
    pub fn tags(&self, stack: &str) -> Vec<(String, String)> {
        let Some(tags) = &self.tags else { return Vec::new() };
        let own = (STACK_TAG.to_owned(), stack.to_owned());
        std::iter::once(own).chain(tags.iter().map(|(key, value)| (key.clone(), value.clone()))).collect()
    }
}

/// The roles of an account that a stack may use. A configuration without mistakes has one at most.
pub fn of<'a, 'b>(
    roles: &'a [Role],
    account: Option<&'b str>,
    stack: &'b str,
) -> impl Iterator<Item = &'a Role> + use<'a, 'b> {
    let is_there = move |role: &&Role| account.is_none_or(|account| role.account() == account);
    roles.iter().filter(is_there).filter(move |role| stacks::means(&role.stacks, stack))
}

/// What is wrong with an external id.
const NO_ID: &str = "an external id has 2 to 1224 of the characters `a-z A-Z 0-9 _ + = , . @ : / -`";

fn is_external_id(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b);
    (2..=1224).contains(&id.len()) && id.bytes().all(allowed)
}

/// The account and the name, with its path, of a role; `None` where it is no role.
fn parts(arn: &str) -> Option<(&str, &str)> {
    let rest = arn.strip_prefix("arn:")?;
    let (partition, rest) = rest.split_once(":iam::")?;
    let (account, name) = rest.split_once(":role/")?;
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_partition = partition == "aws"
        || partition.strip_prefix("aws-").is_some_and(|p| p.split('-').all(|w| !w.is_empty() && w.bytes().all(word)));
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (is_partition && is_account && is_name(name)).then_some((account, name))
}

/// Whether it is the name of a role, with its path before it
/// ([CreateRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html)).
fn is_name(name: &str) -> bool {
    let (path, name) = name.rsplit_once('/').unwrap_or(("", name));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    path.len() <= 510
        && path.bytes().all(|b| b.is_ascii_graphic())
        && (1..=64).contains(&name.len())
        && name.bytes().all(allowed)
}

/// What is wrong with roles.
pub(super) fn check(roles: &[Role], node: &Node, files: Files, problems: &mut Problems) {
    let numbers: Vec<String> = (0..roles.len()).map(|n| n.to_string()).collect();
    let places: Vec<[&str; 2]> = numbers.iter().map(|n| ["role", n.as_str()]).collect();
    for (n, role) in roles.iter().enumerate() {
        let at = At { node, place: &places[n] };
        if parts(&role.arn).is_none() {
            let hint = "for example `arn:aws:iam::111122223333:role/gitops-agent`".to_owned();
            at.wrong("arn", format!("`{}` is no role", role.arn), Some(hint), problems);
        }
        stacks::check(&role.stacks, at, problems);
        for (m, earlier) in roles[..n].iter().enumerate().filter(|(_, earlier)| earlier.account() == role.account()) {
            let there = At { node, place: &places[m] };
            stacks::check_apart("role", (&role.stacks, at), (&earlier.stacks, there), problems);
        }
        check_external_id(role, at, files, problems);
        check_tags(role, at, problems);
    }
}

fn check_external_id(role: &Role, at: At<'_>, files: Files, problems: &mut Problems) {
    if let (Some(_), Some(file)) = (&role.external_id, &role.external_id_file) {
        let message = format!("`external_id` is here as well as in the file `{}`", file.display());
        at.wrong("external_id", message, Some("take one of them away".to_owned()), problems);
    }
    if role.external_id.as_ref().is_some_and(|id| !is_external_id(id)) {
        at.wrong("external_id", NO_ID.to_owned(), None, problems);
    }
    if let Some(file) = role.external_id_file.as_ref().filter(|_| files == Files::Read)
        && let Err(why) = role.external_id()
    {
        let message = format!("`{}` cannot be used: {why}", credential(file).display());
        at.wrong("external_id_file", message, None, problems);
    }
}

fn check_tags(role: &Role, at: At<'_>, problems: &mut Problems) {
    let Some(tags) = &role.tags else { return };
    if tags.len() > MOST_TAGS {
        let message = format!("a session may have {MOST_TAGS} tags beside `{STACK_TAG}`, and here are {}", tags.len());
        at.wrong("tags", message, None, problems);
    }
    let place = [at.place, &["tags"]].concat();
    check_each_tag(tags, at.node, &place, problems);
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for key in tags.keys() {
        if let Some(other) = seen.insert(key.to_lowercase(), key) {
            let span = at.node.locate_key(&[place.as_slice(), &[key.as_str()]].concat());
            let also = at.node.locate_key(&[place.as_slice(), &[other]].concat());
            let problem = Problem::new("bad-tag", format!("`{other}` and `{key}` are one key")).at(&span);
            problems.push(
                problem.also(&also, "that one").hint("AWS does not tell upper from lower case in tags of sessions"),
            );
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fmt::Write as _;

    use super::super::tests::of;
    use super::*;

    const SOURCE: &str = "[source]\nurl = \"/srv/a\"\n";

    fn with(roles: &str) -> Result<super::super::Config, String> {
        of(&format!("{SOURCE}{roles}"))
    }

    fn role(account: &str, name: &str, stacks: &str) -> String {
        format!("[[role]]\narn = \"arn:aws:iam::{account}:role/{name}\"\nstacks = [{stacks}]\n")
    }

    #[test]
    fn a_stack_gets_the_role_of_its_account_that_is_for_it() {
        let text = [
            role("111122223333", "agent", "\"um\", \"web-*\""),
            role("111122223333", "team/db", "\"db\""),
            role("444455556666", "agent", "\"um\""),
        ]
        .concat();
        let roles = with(&text).unwrap().role;
        let found = |account: Option<&str>, stack: &str| -> Vec<String> {
            super::of(&roles, account, stack).map(|role| role.arn.clone()).collect()
        };
        let (one, two) = (Some("111122223333"), Some("444455556666"));
        assert_eq!(found(one, "um"), ["arn:aws:iam::111122223333:role/agent"]);
        assert_eq!(found(one, "web-shop"), ["arn:aws:iam::111122223333:role/agent"]);
        assert_eq!(found(one, "db"), ["arn:aws:iam::111122223333:role/team/db"]);
        assert_eq!(found(two, "um"), ["arn:aws:iam::444455556666:role/agent"]);
        assert_eq!(found(None, "um").len(), 2);
        assert!(found(two, "db").is_empty() && found(Some("777788889999"), "um").is_empty());
    }

    #[test]
    fn roles_are_told_from_what_is_none() {
        let good = [
            "arn:aws:iam::111122223333:role/gitops-agent",
            "arn:aws-cn:iam::111122223333:role/a/b/c",
            "arn:aws-us-gov:iam::111122223333:role/A_b+c=d,e.f@g-h",
            "arn:aws-iso-b:iam::111122223333:role/x",
        ];
        for arn in good {
            assert_eq!(parts(arn).map(|(account, _)| account), Some("111122223333"), "{arn}");
        }
        let bad = [
            "",
            "gitops-agent",
            "arn:aws:iam::1234:role/x",
            "arn:aws:iam::111122223333:user/x",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a b",
            "arn:aws:iam::111122223333:role/a/",
            "arn:aws:iam:eu-west-1:111122223333:role/x",
            "arn:other:iam::111122223333:role/x",
            "arn:aws-:iam::111122223333:role/x",
            "arn:aws:sts::111122223333:assumed-role/x/y",
        ];
        for arn in bad {
            assert_eq!(parts(arn), None, "{arn}");
        }
        let long = |n: usize| format!("arn:aws:iam::111122223333:role/{}", "x".repeat(n));
        assert!(parts(&long(64)).is_some() && parts(&long(65)).is_none());
    }

    #[test]
    fn tags_go_with_the_stack_and_only_where_they_are_wanted() {
        let with = |tags: &str| with(&(role("111122223333", "x", "\"um\"") + tags)).unwrap().role.remove(0);
        assert_eq!(with("").tags("um"), []);
        let own = (STACK_TAG.to_owned(), "um".to_owned());
        assert_eq!(with("tags = {}\n").tags("um"), std::slice::from_ref(&own));
        assert_eq!(with("tags = { team = \"a\" }\n").tags("um"), [own, ("team".to_owned(), "a".to_owned())]);
    }

    #[test]
    fn every_mistake_in_roles_is_told_at_once_with_its_places() {
        let text = [
            role("111122223333", "one", "\"um\", \"web-*\"") + "external_id = \"x\"\n\n",
            role("111122223333", "two", "\"web-shop\"")
                + "tags = { Team = \"a\", team = \"b\", \"aws:x\" = \"c\" }\n\n",
            role("1111", "three", "") + "external_id = \"id\"\nexternal_id_file = \"/x\"\n\n",
            "[[role]]\narn = \"x\"\nstack = [\"um\"]\n".to_owned(),
        ];
        insta::assert_snapshot!(with(&text[..3].concat()).unwrap_err());
        insta::assert_snapshot!(with(&text[3]).unwrap_err());
    }

    #[test]
    fn the_limits_of_aws_hold() {
        let id =
            |n: usize| with(&(role("111122223333", "x", "\"um\"") + &format!("external_id = \"{}\"\n", "i".repeat(n))));
        assert!(id(2).is_ok() && id(1224).is_ok());
        assert!(id(1).is_err() && id(1225).is_err());
        let tags = |n: usize| {
            let mut text = role("111122223333", "x", "\"um\"") + "[role.tags]\n";
            (0..n).for_each(|n| writeln!(text, "k{n} = \"v\"").unwrap());
            with(&text)
        };
        assert!(tags(49).is_ok());
        assert!(tags(50).unwrap_err().contains("49 tags beside"));
    }

    #[test]
    fn an_external_id_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let role = Role {
            arn: String::new(),
            stacks: Vec::new(),
            external_id: None,
            external_id_file: Some(file.clone()),
            tags: None,
        };
        assert!(role.external_id().unwrap_err().contains("No such file"));
        std::fs::write(&file, "").unwrap();
        assert_eq!(role.external_id().unwrap_err(), NO_ID);
        std::fs::write(&file, "an-id\n").unwrap();
        assert_eq!(role.external_id().unwrap().as_deref(), Some("an-id"));
    }
}
