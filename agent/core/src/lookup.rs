//! The read-only questions that expansion has about the account and the region, and their answers, as pure data. Who asks
//! AWS is elsewhere; offline nobody does, and what depends on an answer is then said to be unknown.

mod network;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use network::{Endpoint, Existing, Network, RouteTable, Subnet};

use crate::address::Address;
use crate::cost::Read;

/// Something that expansion has to know before it can say what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The availability zones of the region that the account may use, by name and in a stable order. Local and wavelength
    /// zones are not among them.
    Zones,
    /// The id of a prefix list that AWS manages, by its name: `com.amazonaws.eu-west-1.s3`.
    ManagedPrefixList(String),
    /// What another stack of the account and region has.
    Export(Export),
    /// A network that somebody else owns. It is asked in each pass: whoever owns it may change its routes at any time.
    Network(Existing),
}

/// A field of a resource of another stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Export {
    /// The other stack.
    pub stack: String,
    /// The resource in it.
    pub address: Address,
    /// The addresses that the resource had before its component was renamed, which AWS may still tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<Address>,
    /// The field of its `out`.
    pub field: String,
}

impl Question {
    /// What asking AWS costs. Questions of one sort are asked together, and those of other stacks cost nothing by
    /// themselves: their resources are read kind by kind, see [`crate::cost::of_pass`].
    pub fn reads(&self) -> Vec<Read> {
        match self {
            Self::Zones => vec![Read::once("ec2:DescribeAvailabilityZones").remembered()],
            Self::ManagedPrefixList(_) => vec![Read::once("ec2:DescribeManagedPrefixLists").remembered()],
            Self::Export(_) => Vec::new(),
            Self::Network(_) => {
                ["ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints"].map(Read::once).to_vec()
            }
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zones => f.write_str("the availability zones of the region"),
            Self::ManagedPrefixList(name) => write!(f, "the id of the prefix list {name}"),
            Self::Export(Export { stack, address, field, .. }) => {
                write!(f, "`{field}` of {address} in the stack `{stack}`")
            }
            Self::Network(existing) => existing.fmt(f),
        }
    }
}

/// What AWS says to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Question::Zones`]: `["eu-west-1a", "eu-west-1b", "eu-west-1c"]`.
    Zones(Vec<String>),
    /// To [`Question::ManagedPrefixList`]: `pl-6da54004`.
    Id(String),
    /// To [`Question::Export`].
    Text(String),
    /// To [`Question::Network`].
    Network(Network),
}

/// The answers that there are. A question without one is unknown, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Question, Answer)>", into = "Vec<(Question, Answer)>")]
pub struct Answers(BTreeMap<Question, Answer>);

impl Answers {
    /// No answers, as without credentials.
    pub fn offline() -> Self {
        Self::default()
    }

    /// To each question that is answered with a text, one that says what was asked: two revisions are compared by these without
    /// AWS, so that what asks for another thing differs. Zones and networks of others stay unknown, since more than texts
    /// follows from them. Nothing may be carried out that was made of these.
    pub fn stood_in<'a>(questions: impl IntoIterator<Item = &'a Question>) -> Self {
        let text = |question: &Question| format!("({question})");
        let answer = |question: &Question| match question {
            Question::Export(_) => Some(Answer::Text(text(question))),
            Question::ManagedPrefixList(_) => Some(Answer::Id(text(question))),
            Question::Zones | Question::Network(_) => None,
        };
        Self(questions.into_iter().filter_map(|question| Some((question.clone(), answer(question)?))).collect())
    }

    /// These answers with one more.
    #[must_use]
    pub fn with(mut self, question: Question, answer: Answer) -> Self {
        self.insert(question, answer);
        self
    }

    /// Takes an answer in.
    pub fn insert(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    /// The zones, if they are known.
    pub fn zones(&self) -> Option<&[String]> {
        match self.0.get(&Question::Zones) {
            Some(Answer::Zones(zones)) => Some(zones),
            _ => None,
        }
    }

    /// The id of a managed prefix list, if it is known.
    pub fn prefix_list(&self, name: &str) -> Option<&str> {
        match self.0.get(&Question::ManagedPrefixList(name.to_owned())) {
            Some(Answer::Id(id)) => Some(id),
            _ => None,
        }
    }

    /// All managed prefix lists that are known, by name.
    pub fn prefix_lists(&self) -> BTreeMap<String, String> {
        let known = self.0.iter().filter_map(|(question, answer)| match (question, answer) {
            (Question::ManagedPrefixList(name), Answer::Id(id)) => Some((name.clone(), id.clone())),
            _ => None,
        });
        known.collect()
    }

    /// What another stack has, if it is known.
    pub fn export(&self, export: &Export) -> Option<&str> {
        match self.0.get(&Question::Export(export.clone())) {
            Some(Answer::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// What AWS holds of a network that somebody else owns, if it is known.
    pub fn network(&self, existing: &Existing) -> Option<&Network> {
        match self.0.get(&Question::Network(existing.clone())) {
            Some(Answer::Network(network)) => Some(network),
            _ => None,
        }
    }

    /// All networks of others that are known.
    pub fn networks(&self) -> BTreeMap<Existing, Network> {
        let known = self.0.iter().filter_map(|(question, answer)| match (question, answer) {
            (Question::Network(existing), Answer::Network(network)) => Some((existing.clone(), network.clone())),
            _ => None,
        });
        known.collect()
    }

    /// Whether a question has an answer.
    pub fn knows(&self, question: &Question) -> bool {
        match question {
            Question::Zones => self.zones().is_some(),
            Question::ManagedPrefixList(name) => self.prefix_list(name).is_some(),
            Question::Export(export) => self.export(export).is_some(),
            Question::Network(existing) => self.network(existing).is_some(),
        }
    }
}

impl From<Vec<(Question, Answer)>> for Answers {
    fn from(list: Vec<(Question, Answer)>) -> Self {
        Self(list.into_iter().collect())
    }
}

impl From<Answers> for Vec<(Question, Answer)> {
    fn from(answers: Answers) -> Self {
        answers.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_survive_being_written_down() {
        let answers = Answers::offline()
            .with(Question::Zones, Answer::Zones(vec!["eu-west-1a".into()]))
            .with(Question::ManagedPrefixList("com.amazonaws.eu-west-1.s3".into()), Answer::Id("pl-1".into()))
            .with(Question::Network(Existing::default()), Answer::Network(Network::default()));
        let text = serde_json::to_string(&answers).unwrap();
        assert_eq!(serde_json::from_str::<Answers>(&text).unwrap(), answers);
    }

    #[test]
    fn an_answer_of_the_wrong_sort_is_no_answer() {
        let answers = Answers::offline().with(Question::Zones, Answer::Id("pl-1".into()));
        assert!(!answers.knows(&Question::Zones));
        assert_eq!(answers.zones(), None);
    }
}
