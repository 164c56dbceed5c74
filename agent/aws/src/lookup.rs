//! Answers to the questions that expansion has.

use agent_core::fault::Fault;
use agent_core::lookup::{Answer, Answers, Question};
use aws_sdk_ec2::types::Filter;
use futures_util::future::try_join_all;

use crate::Aws;
use crate::fault::{fault, lacks};

impl Aws {
    /// Asks AWS; a question that AWS has no answer to stays unknown.
    pub async fn answers(&self, questions: impl IntoIterator<Item = Question>) -> Result<Answers, Fault> {
        let asked = questions.into_iter().map(|question| async {
            let answer = match &question {
                Question::Zones => Some(Answer::Zones(self.zones().await?)),
                Question::ManagedPrefixList(name) => self.prefix_list(name).await?.map(Answer::Id),
                // Read like a stack's own resources: `agent_core::exports`.
                Question::Export(_) => None,
            };
            Ok::<_, Fault>(answer.map(|answer| (question, answer)))
        });
        let known = try_join_all(asked).await?.into_iter().flatten();
        Ok(known.fold(Answers::offline(), |answers, (question, answer)| answers.with(question, answer)))
    }

    /// By name, which is a stable order within an account; local and wavelength zones are left out.
    async fn zones(&self) -> Result<Vec<String>, Fault> {
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
        Ok(zones)
    }

    async fn prefix_list(&self, name: &str) -> Result<Option<String>, Fault> {
        let named = Filter::builder().name("prefix-list-name").values(name).build();
        let call = self.ec2.describe_managed_prefix_lists().filters(named);
        let answer = call.send().await.map_err(fault("ec2:DescribeManagedPrefixLists"))?;
        Ok(answer.prefix_lists.unwrap_or_default().into_iter().find_map(|list| list.prefix_list_id))
    }
}
