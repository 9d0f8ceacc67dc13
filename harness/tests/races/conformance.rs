//! Every contender fetches every URL once and within its concurrency, according to the target.

use crate::common::{run_model, session, valid_figures};
use crate::workers::contenders;

#[test]
fn every_contender_is_valid() {
    let mut session = session(60, "uniform:1ms,5ms");
    for (model, client) in contenders() {
        let in_flight = model.max_in_flight.unwrap_or(7);
        for shape in [in_flight.to_string(), format!("2x{in_flight}")] {
            let Some(run) = run_model(&mut session, (model, client), &shape) else { continue };
            let figures = valid_figures(&run);
            assert!(figures.target.connections <= 4 * u64::from(in_flight), "{}: {figures:?}", run.contender);
            assert_eq!(run.samples.errors, []);
        }
    }
}

/// More requests may be in flight than there are URLs.
#[test]
fn every_contender_works_with_fewer_urls_than_slots() {
    let mut session = session(3, "fixed:1ms");
    for contender in contenders().filter(|(model, _)| model.max_in_flight.is_none()) {
        if let Some(run) = run_model(&mut session, contender, "20") {
            valid_figures(&run);
        }
    }
}
