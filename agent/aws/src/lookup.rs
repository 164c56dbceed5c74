//! Answers to the questions that expansion has.

use std::sync::PoisonError;

use agent_core::fault::Fault;
use agent_core::lookup::{Answer, Answers, Question};
use aws_sdk_ec2::types::Filter;

use crate::Aws;
use crate::fault::{fault, lacks};

impl Aws {
    /// Asks AWS; a question that AWS has no answer to stays unknown. What lasts a process asks once: zones and prefix lists keep
    /// their names. Networks of others are asked each time.
    pub async fn answers(&self, questions: impl IntoIterator<Item = Question>) -> Result<Answers, Fault> {
        let known = self.lookups.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let open: Vec<Question> = questions.into_iter().filter(|question| !known.knows(question)).collect();
        // Another stack's exports are read like a stack's own resources: `agent_core::exports`.
        let lists = open.iter().filter_map(|question| match question {
            Question::ManagedPrefixList(name) => Some(name.clone()),
            Question::Zones | Question::Export(_) | Question::Network(_) => None,
        });
        let networks = open.iter().filter_map(|question| match question {
            Question::Network(existing) => Some(existing.clone()),
            Question::Zones | Question::Export(_) | Question::ManagedPrefixList(_) => None,
        });
        let (zones, lists, networks) = tokio::try_join!(
            self.zones(open.contains(&Question::Zones)),
            self.prefix_lists(lists.collect()),
            self.networks(networks.collect())
        )?;
        let mut answers = known;
        if let Some(zones) = zones {
            answers.insert(Question::Zones, Answer::Zones(zones));
        }
        for (name, id) in lists {
            answers.insert(Question::ManagedPrefixList(name), Answer::Id(id));
        }
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&answers);
        let networks = networks.into_iter();
        Ok(networks.fold(answers, |all, (asked, network)| all.with(Question::Network(asked), Answer::Network(network))))
    }

    /// By name, which is a stable order within an account; local and wavelength zones are left out.
    async fn zones(&self, wanted: bool) -> Result<Option<Vec<String>>, Fault> {
        if !wanted {
            return Ok(None);
        }
        let only = Filter::builder().name("zone-type").values("availability-zone").build();
        let usable = Filter::builder().name("state").values("available").build();
        let call = self.ec2.describe_availability_zones().filters(only).filters(usable);
        let answer = call.send().await.map_err(fault("ec2:DescribeAvailabilityZones"))?;
        let mut zones: Vec<String> =
            answer.availability_zones.unwrap_or_default().into_iter().filter_map(|zone| zone.zone_name).collect();
        if zones.is_empty() {
            return Err(lacks("ec2:DescribeAvailabilityZones", "availabilityZoneInfo"));
        }
        zones.sort();
        Ok(Some(zones))
    }

    /// The ids of prefix lists by their names, in one call.
    async fn prefix_lists(&self, names: Vec<String>) -> Result<Vec<(String, String)>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let named = Filter::builder().name("prefix-list-name").set_values(Some(names)).build();
        let call = self.ec2.describe_managed_prefix_lists().filters(named);
        let answer = call.send().await.map_err(fault("ec2:DescribeManagedPrefixLists"))?;
        let lists = answer.prefix_lists.unwrap_or_default().into_iter();
        Ok(lists.filter_map(|list| Some((list.prefix_list_name?, list.prefix_list_id?))).collect())
    }
}
