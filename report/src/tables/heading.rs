//! The lines above a table: what was run, where and how.

use super::open_loop;
use crate::comparison::{Comparison, Disturbed, INTERVAL_RUNS};
use crate::numbers::{bytes, count, duration};
use crate::printable::clipped;
use crate::record::{Machine, MachineSettings, Order};

/// What was run, where and how, each with its label.
pub(crate) fn of_record(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let disturbed = disturbances(comparison).map(|disturbance| ("warning", disturbance));
    let heading = [
        ("workload", workload(comparison)),
        ("load", load(comparison)),
        ("machine", machine(comparison)),
        ("rounds", rounds(comparison)),
    ];
    let rate_too_high = open_loop::rate_too_high(comparison).map(|line| ("warning", line));
    disturbed.into_iter().chain(rate_too_high).chain(heading).chain(chosen(comparison)).collect()
}

/// What disturbed the record so much that other records cannot be compared with it; `None` where nothing did.
pub(super) fn disturbances(comparison: &Comparison) -> Option<String> {
    let disturbed = comparison.disturbed.iter().map(|Disturbed { by, runs, of, most }| {
        format!("{by} in {runs} of {of} runs, up to {:.0} %", most * 100.0)
    });
    let disturbed: Vec<String> = disturbed.collect();
    (!disturbed.is_empty()).then(|| format!("{}; do not compare with other records", disturbed.join("; ")))
}

/// That only some of the contenders are shown, where that is so.
fn chosen(comparison: &Comparison) -> Option<(&'static str, String)> {
    let (shown, all) = (comparison.contenders.len(), comparison.contender_count);
    (shown < all)
        .then(|| ("chosen", format!("{shown} of the {all} contenders that ran; tested among all of them")))
}

/// Measurements of one's own can be a long list of quantiles.
const LATENCY_CHARS: usize = 80;

fn workload(comparison: &Comparison) -> String {
    let scenario = &comparison.scenario;
    let pace = scenario.pace.as_ref().map(|pace| format!(" at {pace}")).unwrap_or_default();
    let faults: String = scenario.faults.iter().map(|fault| format!(", fault {fault}")).collect();
    format!(
        "{}, latency {} (median {}, {} in all), bodies of {} bytes{pace}{faults}, seed {}",
        urls(comparison),
        clipped(&scenario.latency, LATENCY_CHARS),
        duration(scenario.median_delay_ns),
        duration(scenario.total_delay_ns),
        count(scenario.body_bytes),
        scenario.seed,
    )
}

/// What a latency is, and on which CPUs target and clients ran.
fn load(comparison: &Comparison) -> String {
    let loop_ = match &comparison.rate {
        None => "closed loop, latency from when each request began".to_owned(),
        Some(rate) => format!(
            "open loop, {} requests/s{}, latency from when each request was due",
            rate.per_second,
            if rate.poisson { " at random times (Poisson)" } else { "" },
        ),
    };
    let placed = match &comparison.placement {
        None => "nothing pinned to a CPU".to_owned(),
        Some(placement) => {
            format!("target pinned to CPU {}, clients to CPU {}", placement.target, placement.clients)
        }
    };
    format!("{loop_}; {placed}")
}

/// What was run, where and when, in one line.
pub(super) fn caption(comparison: &Comparison) -> String {
    format!(
        "{}, median delay {}, bodies of {} bytes; {}; {}",
        urls(comparison),
        duration(comparison.scenario.median_delay_ns),
        count(comparison.scenario.body_bytes),
        processor(&comparison.machine),
        comparison.started_at.split('T').next().unwrap_or_default(),
    )
}

fn urls(comparison: &Comparison) -> String {
    let preset = comparison.scenario.preset.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{} URLs{preset}", count(comparison.scenario.urls))
}

fn processor(machine: &Machine) -> String {
    let cores = if machine.cores == 1 { "core" } else { "cores" };
    format!("{}, {} {cores}", machine.cpu_model, machine.cores)
}

fn machine(comparison: &Comparison) -> String {
    let machine = &comparison.machine;
    let quotas: String = machine.settings.cpu_quotas.iter().map(|quota| format!(", {quota}")).collect();
    format!(
        "{}{quotas}, {} of memory, {}, kernel {}{}; inflight {}, {}",
        processor(machine),
        bytes(machine.memory_bytes),
        machine.os,
        machine.kernel,
        settings(&machine.settings),
        comparison.inflight_version,
        comparison.started_at,
    )
}

/// The hypervisor and the frequency governor, where they are known.
fn settings(settings: &MachineSettings) -> String {
    let guest = settings.virtualisation.iter().map(|vendor| match vendor.as_str() {
        "none" => ", no hypervisor seen".to_owned(),
        _ => format!(", guest of {vendor}"),
    });
    let governor = settings.governor.iter().map(|governor| format!(", governor {governor}"));
    guest.chain(governor).collect()
}

fn rounds(comparison: &Comparison) -> String {
    let asked = || comparison.contenders.iter().map(|row| row.rounds);
    let most = asked().max().unwrap_or(0);
    let least = asked().min().unwrap_or(0);
    let rounds = match (least, most) {
        (1, 1) => "1 round".to_owned(),
        _ if least == most => format!("{most} rounds"),
        _ => format!("{least} to {most} rounds a contender"),
    };
    let order = match comparison.order {
        Order::Shuffled => format!("in shuffled order (seed {})", comparison.order_seed),
        Order::Balanced => format!("in balanced random order (seed {})", comparison.order_seed),
        Order::AsGiven => "in the order given".to_owned(),
    };
    format!(
        "{rounds}, {order}; a figure is the median of the contender's valid runs, its interval the 95 % \
         confidence interval by order statistics, or min–max below {INTERVAL_RUNS} runs"
    )
}

/// The lines above the table of contenders with the common client.
pub(crate) fn of_common(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let mut heading = vec![(
        "common",
        "every model with the same client, so that they differ in the model alone: what the model costs"
            .to_owned(),
    )];
    heading
        .extend(comparison.cost_base.iter().map(|base| ("base", format!("{base}, at the same concurrency"))));
    heading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;
    use crate::record::{CpuQuota, PlacementFacts, RateFacts};

    #[test]
    fn a_machine_is_shown_with_its_quota_and_hypervisor() {
        let mut record = example::record();
        record.header.machine.settings = MachineSettings {
            governor: Some("performance".to_owned()),
            virtualisation: Some("KVM".to_owned()),
            cpu_quotas: vec![CpuQuota { group: "/job".to_owned(), quota_us: 50_000, period_us: 100_000 }],
            ..MachineSettings::default()
        };
        let machine = machine(&Comparison::of(&record));
        assert!(machine.contains(", 2 cores, a CPU quota of 0.5 cores (control group /job), "), "{machine}");
        assert!(machine.contains(", kernel 6.12.9, guest of KVM, governor performance; "), "{machine}");
    }

    #[test]
    fn a_disturbed_machine_is_the_first_line() {
        let mut record = example::record();
        let figures = example::all_figures(&mut record).next().unwrap();
        figures.noise.others_cpu_ns = Some(figures.wall_ns / 2);
        let heading = of_record(&Comparison::of(&record));
        let measured = example::all_figures(&mut record).count();
        let warning = format!(
            "the machine was busy: other programs used more than 5 % of its CPU in 1 of {measured} runs, up \
             to 25 %; do not compare with other records"
        );
        assert_eq!(heading[0], ("warning", warning));
        assert_eq!(heading[1].0, "workload");
    }

    #[test]
    fn rounds_are_shown_as_they_were_asked_for() {
        let mut record = example::record();
        let shown = |record: &crate::record::Record| rounds(&Comparison::of(record));
        assert!(shown(&record).starts_with("1 to 5 rounds a contender, in"));
        record.header.contenders.remove(0);
        assert!(shown(&record).starts_with("5 rounds, in"));
        record.header.contenders.iter_mut().for_each(|facts| facts.rounds = 1);
        assert!(shown(&record).starts_with("1 round, in"));
    }

    #[test]
    fn a_load_has_the_start_of_latency_and_the_placement() {
        let mut comparison = Comparison::of(&example::record());
        let closed = "closed loop, latency from when each request began; nothing pinned to a CPU";
        assert_eq!(load(&comparison), closed);
        comparison.rate = Some(RateFacts { per_second: 400.0, poisson: false });
        comparison.placement = Some(PlacementFacts { target: "3".to_owned(), clients: "0-2".to_owned() });
        let open = "open loop, 400 requests/s, latency from when each request was due; \
                    target pinned to CPU 3, clients to CPU 0-2";
        assert_eq!(load(&comparison), open);
        comparison.rate = Some(RateFacts { per_second: 0.5, poisson: true });
        assert!(load(&comparison).starts_with("open loop, 0.5 requests/s at random times (Poisson), "));
    }
}
