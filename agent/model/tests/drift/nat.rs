//! `nat` comes, changes and goes in a network that is in use.

use std::time::Duration;

use agent_core::fake::faults::Faults;
use agent_core::plan::Step;
use agent_core::state::Ended;

use crate::stage::{Stage, edited};

fn with(nat: &str) -> String {
    let tiers = format!("tiers = [\"public\", \"private\"]\nnat = \"{nat}\"");
    edited(&[("tiers = [\"private\"]", tiers.as_str())])
}

/// The subnets of each route table, by name, and where each leads.
fn tables(stage: &Stage) -> Vec<String> {
    let picture = stage.picture();
    picture
        .iter()
        .filter(|(name, _)| name.contains("/ec2.route_table.private"))
        .map(|(name, spec)| {
            let spec: serde_json::Value = serde_json::from_str(spec).unwrap();
            let subnets = spec["subnets"].as_array().unwrap().iter();
            let subnets: Vec<String> = subnets.map(|link| short(link["value"].as_str().unwrap())).collect();
            let out = spec["routes"]["0.0.0.0/0"]["nat_gateway"]["value"].as_str().map(short).unwrap_or_default();
            format!("{}: {} -> {out}", short(name), subnets.join(" "))
        })
        .collect()
}

fn short(name: &str) -> String {
    name.rsplit("ec2.").next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn nat_comes_and_changes_and_goes_and_nothing_is_left_of_it() {
    let stage = Stage::of(&with("none")).await;
    let before = stage.picture();
    let mut addresses = Vec::new();
    for (nat, expected) in [
        ("single", vec!["route_table.private: subnet.private-1 subnet.private-2 -> nat_gateway.1"]),
        (
            "per-zone",
            vec![
                "route_table.private-1: subnet.private-1 -> nat_gateway.1",
                "route_table.private-2: subnet.private-2 -> nat_gateway.2",
            ],
        ),
        ("single", vec!["route_table.private: subnet.private-1 subnet.private-2 -> nat_gateway.1"]),
        (
            "per-zone",
            vec![
                "route_table.private-1: subnet.private-1 -> nat_gateway.1",
                "route_table.private-2: subnet.private-2 -> nat_gateway.2",
            ],
        ),
    ] {
        stage.mended(&with(nat)).await;
        assert_eq!(tables(&stage), expected, "{nat}");
        addresses.push(stage.live("network.main/ec2.elastic_ip.nat-1").id);
    }
    addresses.dedup();
    assert_eq!(addresses.len(), 1, "the first zone keeps the address that partners know: {addresses:?}");
    stage.mended(&with("none")).await;
    assert_eq!(stage.picture(), before);
}

/// Whether a step waits for another, directly or through others.
fn waits(steps: &[Step], step: usize, before: usize) -> bool {
    steps[step].after.iter().any(|earlier| *earlier == before || waits(steps, *earlier, before))
}

/// A subnet that no table has falls back to the main one, which leads nowhere; and the gateway of a new table takes minutes.
#[tokio::test(start_paused = true)]
async fn no_subnet_is_without_its_table_while_another_takes_it_over() {
    for (from, to, old, new) in [
        ("single", "per-zone", vec!["private"], vec!["private-1", "private-2"]),
        ("per-zone", "none", vec!["private-1", "private-2"], vec!["private"]),
        ("none", "per-zone", vec!["private"], vec!["private-1", "private-2"]),
    ] {
        // Without a gateway endpoint, which names all tables and would bring them into this order.
        let alone = |nat: &str| {
            let text = with(nat);
            let header = text.split("[network.main]").next().unwrap();
            format!("{header}[network.main]\ncidr = \"10.20.0.0/16\"\nnat = \"{nat}\"\n")
        };
        let stage = Stage::of(&alone(from)).await;
        let steps = stage.steps(&alone(to)).await;
        let find = |verb: &str, key: &str| {
            let address = format!("network.main/ec2.route_table.{key}");
            let found = steps.iter().position(|step| step.op.verb() == verb && step.address.as_str() == address);
            found.unwrap_or_else(|| panic!("{from} to {to}: no step {verb} {address}"))
        };
        for old in &old {
            for new in &new {
                assert!(waits(&steps, find("delete", old), find("create", new)), "{from} to {to}: {old} before {new}");
            }
        }
    }
}

/// A NAT gateway takes minutes to come: the rest goes on, and the tasks wait for their way out.
#[tokio::test(start_paused = true)]
async fn routes_wait_until_their_gateway_works() {
    let stage = Stage::empty();
    let steps = stage.steps(&with("single")).await;
    let find = |address: &str| {
        let found = steps.iter().position(|step| step.address.as_str() == address);
        found.unwrap_or_else(|| panic!("no step for {address}"))
    };
    let (gateway, table) = (find("network.main/ec2.nat_gateway.1"), find("network.main/ec2.route_table.private"));
    let needs: Vec<&str> = steps[table].needs.iter().map(|need| need.address.as_str()).collect();
    assert_eq!(needs, ["network.main/ec2.nat_gateway.1"]);
    for first in ["network.main/ec2.internet_gateway", "network.main/ec2.route_table.public"] {
        assert!(waits(&steps, gateway, find(first)), "{first}");
    }
    assert!(waits(&steps, find("service.web/ecs.service"), table));
}

/// A gateway goes for minutes, longer than a step waits, and holds its address all the while: a pass that finds it going has
/// not done everything, and the address is released in the end.
#[tokio::test(start_paused = true)]
async fn the_address_of_a_gateway_that_goes_slowly_is_not_forgotten() {
    let stage = Stage::of(&with("none")).await;
    let before = stage.picture();
    stage.converge(&with("per-zone")).await;
    let slowly = || Faults {
        lingering: vec![("ec2.nat_gateway".into(), Duration::from_mins(9))],
        slow: vec![("ec2.nat_gateway".into(), Duration::from_mins(4))],
        ..Faults::default()
    };
    let (report, _) = stage.run_with(&with("none"), slowly()).await;
    assert_eq!(report.ended, Ended::Converged, "{report:#?}");
    assert_eq!(stage.picture(), before);
    let (report, _) = stage.run_with(&with("single"), slowly()).await;
    assert_eq!(report.ended, Ended::Converged, "{report:#?}");
    assert_eq!(tables(&stage), ["route_table.private: subnet.private-1 subnet.private-2 -> nat_gateway.1"]);
}
