//! Half an hour of what a bad week brings: a commit every five seconds, somebody who changes things by hand, and one call in a
//! hundred that breaks. The agent must come to rest again each time, and neither grow nor leak.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::Place;
use crate::bench::repository::um;
use crate::bench::running::Running;
use crate::disturbances::{Chance, Times, broken, edited};
use crate::passes;

const BETWEEN_COMMITS: Duration = Duration::from_secs(5);
/// Anonymous memory that an idle agent may have, in KiB.
const IDLE: u64 = 20 * 1024;

/// Measures; whether it endured.
pub fn measure(minutes: u64) -> bool {
    let place = Place::new("drift = \"7s\"");
    let disturbed: Times = Arc::default();
    let base = um("eu-west-1");
    place.commit(&base);
    let agent = place.agent();
    agent.wait_for(0, &["converged stack=\"um\""]);

    let (chance, told) = (Arc::new(Mutex::new(Chance::new(2026))), disturbed.clone());
    let faults = chance.clone();
    place.proxy.wire().plan_by(move |_| {
        let what = broken(&mut faults.lock().unwrap())?;
        told.lock().unwrap().push(Instant::now());
        Some(what)
    });
    let begun = Instant::now();
    let mut samples = vec![(agent.memory(), agent.descriptors())];
    let (mut commits, mut by_hand) = (0_u64, 0_u64);
    let mut own = Chance::new(7);
    while begun.elapsed() < Duration::from_secs(minutes * 60) {
        let next = Instant::now() + BETWEEN_COMMITS;
        place.commit(&edited(&base, &mut own));
        disturbed.lock().unwrap().push(Instant::now());
        commits += 1;
        if own.below(4) == 0 {
            std::thread::park_timeout(Duration::from_millis(own.below(3000)));
            change_by_hand(&place);
            disturbed.lock().unwrap().push(Instant::now());
            by_hand += 1;
        }
        std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
        samples.push((agent.memory(), agent.descriptors()));
        if commits % 60 == 0 {
            println!(
                "{} min: {commits} commits, {} KiB, {} descriptors",
                begun.elapsed().as_secs() / 60,
                samples[samples.len() - 1].0,
                samples[samples.len() - 1].1
            );
        }
    }
    place.proxy.wire().plan([]);
    let mark = agent.mark();
    let last = place.commit(&base);
    disturbed.lock().unwrap().push(Instant::now());
    agent.wait_for(mark, &["converged stack=\"um\"", &last[..7]]);
    let holds = report(&agent, &disturbed.lock().unwrap(), &samples, (commits, by_hand));
    let (status, took) = agent.stop();
    println!("stopped with {status} after {} ms", took.as_millis());
    holds && status.success()
}

/// Somebody opens a group, and writes another value into a parameter.
fn change_by_hand(place: &Place) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let config = place.proxy.wire().config("eu-west-1");
    runtime.block_on(async {
        let ec2 = aws_sdk_ec2::Client::new(&config);
        let of_stack = aws_sdk_ec2::types::Filter::builder().name("tag:gitops-agent:stack").values("um").build();
        let Ok(groups) = ec2.describe_security_groups().filters(of_stack).send().await else { return };
        let Some(group) = groups.security_groups().first().and_then(|group| group.group_id()) else { return };
        let anybody = aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build();
        let ssh = aws_sdk_ec2::types::IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22);
        let open =
            ec2.authorize_security_group_ingress().group_id(group).ip_permissions(ssh.ip_ranges(anybody).build());
        // A call of the person may break as well.
        let _ = open.send().await;
    });
}

fn report(agent: &Running, disturbed: &[Instant], samples: &[(u64, usize)], (commits, by_hand): (u64, u64)) -> bool {
    let passes = passes::of(&agent.timed());
    let lines = agent.timed();
    let needed = passes::needed(&passes, disturbed);
    let most = needed.iter().map(|(passes, _)| *passes).max().unwrap_or_default();
    // What took longest is shown, to be understood.
    for (_, ended) in needed.iter().filter(|(passes, _)| *passes > 2) {
        println!("\nmore than two passes:");
        let near = |at: &Instant| *at <= *ended && ended.duration_since(*at) < Duration::from_secs(12);
        lines.iter().filter(|(at, _)| near(at)).for_each(|(_, line)| println!("    {line}"));
    }
    println!(
        "{commits} commits, {by_hand} changes by hand, {} disturbances in all, {} passes, {} times converged",
        disturbed.len(),
        passes.len(),
        needed.len()
    );
    println!("undisturbed passes that changed something until converged: at most {most}");
    // The first minutes fill caches.
    let settled = &samples[samples.len() / 4..];
    let half = settled.len() / 2;
    let mean = |part: &[(u64, usize)]| part.iter().map(|sample| sample.0).sum::<u64>() / part.len().max(1) as u64;
    let (early, late) = (mean(&settled[..half]), mean(&settled[half..]));
    let descriptors = |part: &[(u64, usize)]| part.iter().map(|sample| sample.1).max().unwrap_or_default();
    println!(
        "RssAnon: mean {early} KiB, later {late} KiB; descriptors at most {}, later {}",
        descriptors(&settled[..half]),
        descriptors(&settled[half..])
    );
    std::thread::park_timeout(Duration::from_secs(20));
    let idle = agent.memory();
    println!("RssAnon idle at the end: {idle} KiB");
    most <= 2
        && late <= early + early / 10
        && descriptors(&settled[half..]) <= descriptors(&settled[..half]) + 4
        && idle <= IDLE
}
