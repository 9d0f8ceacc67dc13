//! Whole runs, with real processes: what is measured, what is refused, and what is left behind.

mod agreement;
mod allocations;
mod bad_workers;
mod claims;
mod command_line;
mod common;
mod conformance;
mod disturbances;
mod externals;
mod faults;
mod floods;
mod gate;
mod history;
mod known_answers;
mod languages;
mod open_loop;
mod overhead;
mod placement;
mod replies;
mod reports;
mod rounds;
mod setting_up;
mod signals;
mod target_limit;
mod witnesses;
mod workers;
