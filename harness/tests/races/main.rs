//! Whole runs with real processes: measurements, refusals, and cleanup.

mod agreement;
mod allocations;
mod bad_workers;
mod claims;
mod command_line;
mod common;
mod conformance;
mod disturbances;
mod endless_responses;
mod externals;
mod faults;
mod foreign_servers;
mod gate;
mod history;
mod known_answers;
mod languages;
mod open_loop;
mod overhead;
mod placement;
mod reports;
mod responses;
mod rounds;
mod setup;
mod signals;
mod target_limit;
mod workers;
