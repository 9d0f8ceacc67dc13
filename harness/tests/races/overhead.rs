//! Overhead of measuring: the control group of the workers, and the sampler.

use inflight::workload::Workload;
use inflight_report::record::{CpuMethod, Figures, Verdict};
use mock_target::Scenario;

use crate::common::{run_named, session_of};

/// Each pair is a run with a control group and one without, alternating which comes first.
#[test]
#[ignore = "measures for a minute; `cargo test --release --test races overhead -- --ignored --nocapture`"]
fn control_group_does_not_change_figures() {
    for (preset, contender, pairs) in [("quick", "tokio:8x64", 20), ("article", "tokio:128", 5)] {
        let mut session = session_of(Workload::of(Scenario::preset(preset).unwrap()));
        let mut runs = [Vec::new(), Vec::new()];
        for turn in 0..=2 * pairs {
            // The first run warms up. Then: with, without, without, with, …
            let with = turn % 4 == 1 || turn % 4 == 0;
            session.use_group(with);
            let run = run_named(&mut session, contender);
            let figures = run.figures.expect("the run reached its end");
            assert_eq!(figures.cpu_method == CpuMethod::Group, with, "this needs control groups");
            if turn > 0 {
                runs[usize::from(with)].push((figures, run.verdict == Verdict::Valid));
            }
        }
        println!("{preset} {contender}, {pairs} pairs, median (min to max)");
        for (with, runs) in ["without a group", "with a group"].iter().zip(&runs) {
            let of =
                |what: fn(&Figures) -> f64| spread(runs.iter().map(|(figures, _)| what(figures)).collect());
            println!("  {with}: {} of {pairs} valid", runs.iter().filter(|(_, valid)| *valid).count());
            println!("    target late at p99, ms: {}", of(|f| f.target.lateness_ns.p99 as f64 / 1e6));
            println!("    wall, ms:               {}", of(|f| f.wall_ns as f64 / 1e6));
            println!("    CPU, ms:                {}", of(|f| f.cpu_ns as f64 / 1e6));
            println!("    startup, ms:            {}", of(|f| f.startup_ns as f64 / 1e6));
            let sampling = of(|f| f.sampling.cpu_ns as f64 / f.wall_ns as f64 * 100.0);
            println!("    sampling, % of a core:  {sampling}");
        }
    }
}

fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let (min, max) = (values[0], values[values.len() - 1]);
    format!("{:.3} ({min:.3} to {max:.3})", values[values.len() / 2])
}
