//! The judgement of synthetic gates whose truth is known.

mod synthetic;

use std::fs;

use tempfile::TempDir;

use self::synthetic::{EVEN, Truth, gate};
use crate::exports::junit;

use super::{
    FigureResult, Gate, GateError, GateFigure, GateOutcome, Judgement, LOOKS, Side, Stage, State, exports,
    read, read_all, save, summary,
};

const SLOWER: Truth = Truth { wall: 1.08, ..EVEN };

fn row(judgement: &Judgement, cell: usize, figure: GateFigure) -> &FigureResult {
    judgement.rows.iter().find(|row| (row.cell, row.figure) == (cell, figure)).unwrap()
}

fn judged(gate: &Gate) -> (GateOutcome, Judgement) {
    let judgement = Judgement::of(gate);
    (judgement.outcome, judgement)
}

#[test]
fn nothing_worse_is_a_pass() {
    let (outcome, judgement) = judged(&gate(&[EVEN, EVEN]));
    assert_eq!((outcome, judgement.doubts.clone()), (GateOutcome::Pass, Vec::<String>::new()));
    let throughput = row(&judgement, 0, GateFigure::Throughput);
    assert!(throughput.ratio.unwrap().interval.unwrap().1 < 1.05, "{throughput:?}");
    assert_eq!(throughput.pairs, LOOKS[0], "it is decided at the first look");
}

#[test]
fn the_cell_and_the_figure_that_are_worse_are_named() {
    let (outcome, judgement) = judged(&gate(&[EVEN, SLOWER]));
    assert_eq!(outcome, GateOutcome::Regression);
    let worse: Vec<_> = judgement.rows.iter().filter(|row| row.is_worse()).collect();
    assert_eq!(worse.len(), 1);
    assert_eq!((worse[0].cell, worse[0].figure), (1, GateFigure::Throughput));
    let ratio = worse[0].ratio.unwrap();
    let (least, (low, most)) = (ratio.at_least.unwrap(), ratio.interval.unwrap());
    assert!(
        (ratio.estimate - 1.08).abs() < 1e-3 && 1.01 < least && least <= low && low < 1.08 && 1.08 < most,
        "{ratio:?}"
    );
}

#[test]
fn a_loss_below_one_per_cent_is_no_regression() {
    let (outcome, judgement) = judged(&gate(&[Truth { wall: 1.009, ..EVEN }]));
    assert_eq!(outcome, GateOutcome::Pass);
    assert_eq!(row(&judgement, 0, GateFigure::Throughput).state, State::NotWorse);
}

#[test]
fn a_count_needs_no_pairs() {
    let more = Truth { instructions: 1.05, ..EVEN };
    let (outcome, judgement) = judged(&gate(&[more]));
    assert_eq!(
        (outcome, &row(&judgement, 0, GateFigure::Instructions).state),
        (GateOutcome::Regression, &State::Worse)
    );
    let (outcome, judgement) = judged(&gate(&[Truth { connections: 1.0, ..EVEN }]));
    assert_eq!(
        (outcome, &row(&judgement, 0, GateFigure::Connections).state),
        (GateOutcome::Regression, &State::Worse)
    );
}

#[test]
fn a_noisy_machine_leaves_required_figures_undecided() {
    let (outcome, judgement) = judged(&gate(&[Truth { spread: 0.4, ..EVEN }]));
    assert_eq!(outcome, GateOutcome::Inconclusive);
    assert_eq!(row(&judgement, 0, GateFigure::Cpu).state, State::Undecided);
    let [doubt] = &judgement.doubts[..] else { panic!("{judgement:?}") };
    assert!(
        doubt.starts_with("CPU of ours:128, sprint: ") && doubt.contains("could have gone unnoticed"),
        "{doubt}"
    );
    assert!(doubt.contains("pairs would decide it") && doubt.contains("--budget"), "{doubt}");
}

#[test]
fn only_required_figures_make_a_gate_inconclusive() {
    let mut gate = gate(&[Truth { spread: 0.4, ..EVEN }]);
    gate.cells[0].required = vec![GateFigure::Connections];
    let (outcome, judgement) = judged(&gate);
    assert_eq!(outcome, GateOutcome::Pass);
    assert!(
        judgement.notes.iter().any(|note| note.starts_with("not required: CPU of ours:128")),
        "{judgement:?}"
    );
    gate.cells[0].required = vec![GateFigure::Throughput];
    assert_eq!(judged(&gate).0, GateOutcome::Inconclusive);
}

#[test]
fn a_cell_is_open_until_its_required_figures_are_decided() {
    let with_pairs = |truth: Truth, pairs: usize| {
        let mut gate = gate(&[truth, EVEN]);
        gate.pairs.truncate(3 * pairs);
        gate.open_cells()
    };
    assert_eq!(with_pairs(EVEN, 7), [0, 1], "no figure is tested yet");
    assert_eq!(with_pairs(EVEN, 8), [0_usize; 0]);
    let noisy = Truth { spread: 0.4, ..EVEN };
    assert_eq!(with_pairs(noisy, 64), [0]);
    assert_eq!(with_pairs(noisy, 96), [0_usize; 0], "no cell has more pairs");
}

#[test]
fn load_on_the_machine_is_a_note() {
    let mut gate = gate(&[SLOWER]);
    gate.noise.others_cpu_ns = Some(gate.took_ns);
    let (outcome, judgement) = judged(&gate);
    assert_eq!(outcome, GateOutcome::Regression, "the pairs show it");
    assert!(judgement.notes[0].starts_with("the machine was busy"), "{judgement:?}");
}

#[test]
fn noise_of_the_control_leaves_figures_undecided() {
    let mut gate = gate(&[Truth { cpu: 1.08, ..EVEN }]);
    assert_eq!(judged(&gate).0, GateOutcome::Regression);
    for pair in gate.pairs.iter_mut().filter(|pair| pair.cell == 1) {
        pair.head.cpu_ns = pair.base.cpu_ns * (pair.head.cpu_ns / pair.base.cpu_ns).powi(60);
    }
    let (outcome, judgement) = judged(&gate);
    assert_eq!(
        (outcome, &row(&judgement, 0, GateFigure::Cpu).state),
        (GateOutcome::Inconclusive, &State::Undecided)
    );
}

#[test]
fn pairs_of_both_stages_of_an_older_gate_are_judged() {
    let mut older = Gate { gate_format: 2, ..gate(&[SLOWER]) };
    for (at, pair) in older.pairs.iter_mut().enumerate() {
        pair.stage = if at < 32 { Stage::Measure } else { Stage::Confirm };
    }
    let text = serde_json::to_string(&older).unwrap().replace("\"measure\"", "\"screen\"");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("older.json");
    fs::write(&path, text).unwrap();
    let read = read(&path).unwrap();
    assert_eq!(read, older);
    assert_eq!(judged(&read).0, GateOutcome::Regression);
}

#[test]
fn a_difference_in_the_control_makes_pairs_unreliable() {
    let mut gate = gate(&[SLOWER]);
    for pair in gate.pairs.iter_mut().filter(|pair| pair.cell == 1) {
        pair.head.wall_ns *= 1.2;
    }
    let (outcome, judgement) = judged(&gate);
    assert_eq!(outcome, GateOutcome::Inconclusive);
    assert!(judgement.doubts[0].contains("the A/A control shows a difference"), "{judgement:?}");
}

#[test]
fn a_machine_that_favours_the_copy_is_detected() {
    let mut gate = gate(&[SLOWER]);
    for pair in gate.pairs.iter_mut().filter(|pair| pair.cell == 1) {
        pair.head.wall_ns /= 1.2;
    }
    let (outcome, judgement) = judged(&gate);
    assert_eq!(outcome, GateOutcome::Inconclusive);
    assert!(judgement.doubts[0].contains("the A/A control shows a difference"), "{judgement:?}");
}

#[test]
fn a_noisy_count_is_not_judged() {
    let mut gate = gate(&[EVEN]);
    for (number, count) in gate.counts.iter_mut().enumerate() {
        count.instructions = count.instructions.map(|count| count * (1.0 + 0.1 * (number % 3) as f64));
    }
    let (outcome, judgement) = judged(&gate);
    assert_eq!(row(&judgement, 0, GateFigure::Instructions).state, State::TooNoisy);
    assert_eq!(outcome, GateOutcome::Pass);
    assert!(summary::markdown(&gate, &judgement).contains("| varies too much |"));
}

#[test]
fn many_runs_that_the_target_delayed_are_a_note() {
    let mut gate = gate(&[EVEN]);
    gate.pairs.iter_mut().for_each(|pair| pair.repeated = 1);
    let (outcome, judgement) = judged(&gate);
    assert_eq!(outcome, GateOutcome::Pass);
    assert!(judgement.notes[0].contains("the target delayed 10.0 % of its runs"), "{judgement:?}");
}

/// Makes the target the limit in a share of a side's runs of a cell.
fn limit(gate: &mut Gate, cell: usize, side: Side, share: f64) {
    for pair in gate.pairs.iter_mut().filter(|pair| pair.cell == cell) {
        let cost = if side == Side::Base { &mut pair.base } else { &mut pair.head };
        cost.target_limited = share;
    }
}

#[test]
fn a_target_limited_wall_time_is_shown_and_not_judged() {
    let both = [Side::Base, Side::Head];
    for (truth, limited, share, expected) in [
        (SLOWER, &both[..], 1.0, State::TargetLimited),
        (SLOWER, &both[1..], 0.5, State::TargetLimited),
        (EVEN, &both[..], 1.0, State::TargetLimited),
        (EVEN, &both[..1], 1.0, State::TargetLimited),
        // A head that is slower than a base that the target limited is slower than the base.
        (SLOWER, &both[..1], 1.0, State::Worse),
        (SLOWER, &both[..], 0.4, State::Worse),
        (EVEN, &both[..], 0.4, State::NotWorse),
    ] {
        let mut gate = gate(&[EVEN, truth]);
        limited.iter().for_each(|side| limit(&mut gate, 1, *side, share));
        let (outcome, judgement) = judged(&gate);
        let throughput = row(&judgement, 1, GateFigure::Throughput);
        assert_eq!(throughput.state, expected, "{limited:?} {share}");
        assert!(throughput.ratio.is_some(), "it is shown");
        assert_eq!(row(&judgement, 1, GateFigure::Cpu).state, State::NotWorse, "its CPU is its own");
        assert_eq!(
            row(&judgement, 0, GateFigure::Throughput).state,
            State::NotWorse,
            "the other cell is not limited"
        );
        let is_worse = expected == State::Worse;
        assert_eq!(
            outcome,
            if is_worse { GateOutcome::Regression } else { GateOutcome::Pass },
            "{judgement:?}"
        );

        let is_limited = expected == State::TargetLimited;
        let note = "throughput not judged, since the target was the limit: theirs:128, sprint";
        let xml = exports::junit(&gate, &judgement);
        junit::schema::assert_fits(&xml);
        for text in [summary::markdown(&gate, &judgement), summary::terminal(&gate, &judgement, 200), xml] {
            assert_eq!(text.contains(note), is_limited, "{text}");
        }
        let bmf: serde_json::Value = serde_json::from_str(&exports::bmf(&gate, &judgement).unwrap()).unwrap();
        let measures = &bmf["theirs:128, sprint"];
        assert_eq!(measures["throughput_over_base"].is_null(), is_limited, "{bmf}");
        assert!(measures["cpu_over_base"]["value"].is_f64());
        let entries = exports::github_benchmark(&gate, &judgement).unwrap();
        assert_eq!(entries.contains("theirs:128, sprint wall"), !is_limited, "{entries}");
    }
}

#[test]
fn a_target_limited_wall_time_needs_cpu_or_instructions() {
    for (figures, expected) in [
        (vec![GateFigure::Throughput], GateOutcome::Inconclusive),
        (vec![GateFigure::Throughput, GateFigure::Connections], GateOutcome::Inconclusive),
        (vec![GateFigure::Throughput, GateFigure::Cpu], GateOutcome::Pass),
        (vec![GateFigure::Throughput, GateFigure::Instructions], GateOutcome::Pass),
    ] {
        let mut gate = gate(&[SLOWER]);
        gate.cells[0].figures.clone_from(&figures);
        limit(&mut gate, 0, Side::Head, 1.0);
        let (outcome, judgement) = judged(&gate);
        assert_eq!(outcome, expected, "{figures:?}: {judgement:?}");
        let is_doubt = judgement.doubts.iter().any(|doubt| doubt.contains("the target was the limit"));
        assert_eq!(is_doubt, expected == GateOutcome::Inconclusive, "{judgement:?}");
    }
}

#[test]
fn a_gate_without_a_ratio_has_no_exports_of_figures() {
    let mut gate = gate(&[SLOWER]);
    limit(&mut gate, 0, Side::Head, 1.0);
    gate.cells[0].figures = vec![GateFigure::Throughput];
    let judgement = Judgement::of(&gate);
    assert_eq!(exports::bmf(&gate, &judgement), None);
    assert_eq!(exports::github_benchmark(&gate, &judgement), None);
}

#[test]
fn gates_of_the_first_format_are_read() {
    let folder = TempDir::new().unwrap();
    let one = Gate { gate_format: 1, ..gate(&[SLOWER]) };
    let path = save(folder.path(), &one).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(",\"target_limited\":0.0") && text.contains("\"control\":true"));
    let older = folder.path().join("older.json");
    fs::write(&older, text.replace(",\"target_limited\":0.0", "").replace("\"control\":", "\"twin\":"))
        .unwrap();
    assert_eq!(read(&older).unwrap(), one);
}

#[test]
fn names_of_cells_for_bencher_have_at_most_1024_bytes_and_stay_different() {
    let mut gate = gate(&[EVEN, SLOWER]);
    for (cell, end) in gate.cells.iter_mut().zip(["1", "2"]) {
        cell.contender = format!("{}{end}:128", "é".repeat(1_000));
    }
    let bmf: serde_json::Value =
        serde_json::from_str(&exports::bmf(&gate, &Judgement::of(&gate)).unwrap()).unwrap();
    let benchmarks = bmf.as_object().unwrap();
    assert_eq!(benchmarks.len(), 2);
    let measures = benchmarks.values().flat_map(|measures| measures.as_object().unwrap().keys());
    assert!(benchmarks.keys().chain(measures).all(|name| name.len() <= 1_024));
}

#[test]
fn missing_measurements_are_inconclusive() {
    let [first, ..] = LOOKS;
    let mut some_missing = gate(&[EVEN, EVEN]);
    some_missing.pairs.truncate(3 * first as usize - 3);
    assert_eq!(judged(&some_missing).0, GateOutcome::Inconclusive);
    let mut not_counted = gate(&[EVEN]);
    not_counted.counts.truncate(2);
    assert_eq!(judged(&not_counted).0, GateOutcome::Inconclusive);
    let mut one_connection = gate(&[EVEN]);
    one_connection.cells[0].figures = vec![GateFigure::Connections];
    let mut kept = 0;
    one_connection.pairs.retain(|pair| {
        kept += u32::from(pair.cell == 0);
        pair.cell != 0 || kept <= first
    });
    assert_eq!(judged(&one_connection).0, GateOutcome::Pass);
    let lost = one_connection.pairs.iter().position(|pair| pair.cell == 0).unwrap();
    one_connection.pairs.remove(lost);
    assert_eq!(judged(&one_connection).0, GateOutcome::Inconclusive);

    let mut nothing = gate(&[EVEN]);
    nothing.cells[0].figures = vec![GateFigure::Allocations];
    let (outcome, judgement) = judged(&nothing);
    assert_eq!(row(&judgement, 0, GateFigure::Allocations).state, State::NotOffered);
    assert_eq!(outcome, GateOutcome::Inconclusive);
    nothing.cells.clear();
    nothing.pairs.clear();
    nothing.counts.clear();
    assert_eq!(judged(&nothing).0, GateOutcome::Inconclusive);
}

#[test]
fn summaries_in_markdown_and_for_a_terminal() {
    let gate = gate(&[EVEN, Truth { instructions: 1.031, connections: 2.0, ..SLOWER }]);
    let judgement = Judgement::of(&gate);
    insta::assert_snapshot!("markdown", summary::markdown(&gate, &judgement));
    insta::assert_snapshot!("terminal", summary::terminal(&gate, &judgement, 100));
}

#[test]
fn exports_for_other_programs() {
    let mut gate = gate(&[EVEN, Truth { instructions: 1.031, ..SLOWER }]);
    gate.cells[0].figures.push(GateFigure::Allocations);
    gate.pairs.retain(|pair| pair.cell != 0);
    let judgement = Judgement::of(&gate);
    junit::schema::assert_fits(&exports::junit(&gate, &judgement));
    insta::assert_snapshot!("junit", exports::junit(&gate, &judgement));
    insta::assert_snapshot!("bmf", exports::bmf(&gate, &judgement).unwrap());
    insta::assert_snapshot!("github_benchmark", exports::github_benchmark(&gate, &judgement).unwrap());
}

#[test]
fn a_long_summary_is_cut_after_a_line() {
    let text = "first line\nsécond line\nthird line\n";
    assert_eq!(summary::cut(text, text.len()), text);
    let cut = summary::cut(&text.repeat(10), 120);
    assert!(cut.len() <= 120 && cut.contains("cut: the rest is in the file"), "{cut}");
    assert!(cut.starts_with("first line\nsécond line\n"));
}

#[test]
fn gates_round_trip_and_are_saved_once() {
    let folder = TempDir::new().unwrap();
    let one = gate(&[EVEN]);
    let path = save(folder.path(), &one).unwrap();
    assert_eq!(read(&path).unwrap(), one);
    assert_eq!(save(folder.path(), &one).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn broken_gates_are_reported_and_the_others_are_read() {
    let folder = TempDir::new().unwrap();
    let older = Gate { started_at: "2026-11-01T00:00:00Z".to_owned(), ..gate(&[EVEN]) };
    save(folder.path(), &gate(&[EVEN])).unwrap();
    let path = save(folder.path(), &older).unwrap();
    fs::write(folder.path().join("cut.json"), &fs::read(&path).unwrap()[..200]).unwrap();
    fs::write(folder.path().join("newer.json"), "{\"gate_format\": 99}").unwrap();
    let beyond = Gate { cells: Vec::new(), ..older.clone() };
    fs::write(folder.path().join("beyond.json"), serde_json::to_vec(&beyond).unwrap()).unwrap();
    fs::write(folder.path().join(".under-way.json"), "{").unwrap();
    let (gates, refused) = read_all(folder.path()).unwrap();
    assert_eq!(gates[0], older);
    assert_eq!(gates.len(), 2);
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().any(|error| matches!(error, GateError::OtherFormat { found: 99, .. })));
    assert!(refused.iter().all(|error| !error.to_string().contains('\n')));
}
