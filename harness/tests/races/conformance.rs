//! Every contender fetches every URL once and within its concurrency, according to the target.

use inflight::runner::NoObserver;

use crate::common::{run, session, skip_unsupported, valid_figures};
use crate::workers::contenders;

#[test]
fn every_contender_is_valid() {
    let mut session = session(60, "uniform:1ms,5ms");
    let own_worker = session.own_worker();
    for (model, client) in contenders() {
        let in_flight = model.max_in_flight.unwrap_or(7);
        for shape in [in_flight.to_string(), format!("2x{in_flight}")] {
            let contender = format!("{}+{}:{shape}", model.name, client.name);
            let run = run(&mut session, &contender, &own_worker, &mut NoObserver);
            if skip_unsupported(&contender, &format!("{:?}", run.verdict)) {
                continue;
            }
            let figures = valid_figures(&run);
            assert!(figures.target.connections <= 4 * u64::from(in_flight), "{contender}: {figures:?}");
            assert_eq!(run.samples.errors, []);
        }
    }
}

/// More requests may be in flight than there are URLs.
#[test]
fn every_contender_works_with_fewer_urls_than_slots() {
    let mut session = session(3, "fixed:1ms");
    let own_worker = session.own_worker();
    for (model, client) in contenders().filter(|(model, _)| model.max_in_flight.is_none()) {
        let contender = format!("{}+{}:20", model.name, client.name);
        let run = run(&mut session, &contender, &own_worker, &mut NoObserver);
        if !skip_unsupported(&contender, &format!("{:?}", run.verdict)) {
            valid_figures(&run);
        }
    }
}
