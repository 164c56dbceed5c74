//! The pure half of every kind, a file each: spec, defaults, what cannot change, what comes first. The I/O half is at the
//! same path in `agent-aws`. A new kind is those two files and one line in the table below.

pub mod cloudfront;
pub mod ec2;
pub mod ecs;
pub mod elb;
pub mod iam;
pub mod logs;
pub mod servicediscovery;
pub mod ssm;

/// Calls a macro with all kinds. The one table: the engine's table, the doors to AWS and the fakes are made from it.
#[macro_export]
macro_rules! each_kind {
    ($then:ident) => {
        $then! {
            $crate::kinds::cloudfront::distribution::Distribution,
            $crate::kinds::ec2::elastic_ip::ElasticIp,
            $crate::kinds::ec2::internet_gateway::InternetGateway,
            $crate::kinds::ec2::nat_gateway::NatGateway,
            $crate::kinds::ec2::route_table::RouteTable,
            $crate::kinds::ec2::security_group::SecurityGroup,
            $crate::kinds::ec2::security_group_rule::SecurityGroupRule,
            $crate::kinds::ec2::subnet::Subnet,
            $crate::kinds::ec2::vpc::Vpc,
            $crate::kinds::ec2::vpc_endpoint::VpcEndpoint,
            $crate::kinds::ecs::cluster::Cluster,
            $crate::kinds::ecs::service::Service,
            $crate::kinds::ecs::task_definition::TaskDefinition,
            $crate::kinds::elb::listener::Listener,
            $crate::kinds::elb::load_balancer::LoadBalancer,
            $crate::kinds::elb::rule::Rule,
            $crate::kinds::elb::target_group::TargetGroup,
            $crate::kinds::iam::role::Role,
            $crate::kinds::logs::log_group::LogGroup,
            $crate::kinds::servicediscovery::namespace::Namespace,
            $crate::kinds::ssm::file::File,
            $crate::kinds::ssm::parameter::Parameter,
        }
    };
}

macro_rules! table {
    ($($kind:ty,)*) => {
        /// The kinds that this program knows.
        pub fn table() -> agent_core::kind::Kinds {
            agent_core::kind::Kinds::new([$(agent_core::kind::KindInfo::of::<$kind>()),*])
        }

        /// A faked cloud with a door to every kind.
        pub fn fake_cloud(fake: &std::sync::Arc<agent_core::fake::Fake>) -> agent_core::provider::Cloud {
            fake.give_nature::<ecs::service::Service>(Box::new(ecs::service::seen::Connected::default()));
            agent_core::provider::Cloud::new()$(.with::<$kind, _>(fake))*
        }
    };
}
each_kind!(table);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// `service/resource.rs` for each file of `root` that implements a kind, as `service.resource`.
    fn files(root: &Path) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for service in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()) {
            for file in std::fs::read_dir(&service).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_file())
            {
                let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
                // What kinds share (policy documents, names) lies beside them and is none.
                if std::fs::read_to_string(&file).unwrap().contains("\nimpl Kind for ") {
                    found.insert(format!("{}.{stem}", service.file_name().unwrap().to_string_lossy()));
                }
            }
        }
        found
    }

    #[test]
    fn every_file_of_a_kind_is_in_the_table() {
        let table: BTreeSet<String> = table().iter().map(|kind| kind.name.to_owned()).collect();
        assert_eq!(files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kinds")), table);
    }

    #[test]
    fn every_kind_says_what_looking_at_it_costs() {
        for kind in table().iter() {
            assert!(!kind.reads.is_empty(), "{} lists without a call?", kind.name);
            for counted in kind.reads.iter().flat_map(|read| read.of) {
                assert!(table().get(counted).is_some(), "{} counts {counted}, which is no kind", kind.name);
            }
        }
    }

    #[test]
    fn every_kind_can_be_listed_after_its_parents() {
        let table = table();
        let placed: usize = table.rounds().iter().map(Vec::len).sum();
        assert_eq!(placed, table.iter().count(), "parents in a circle");
        for kind in table.iter() {
            for parent in kind.parents {
                assert!(table.get(parent).is_some(), "{} names the parent {parent}, which is no kind", kind.name);
            }
        }
    }
}
