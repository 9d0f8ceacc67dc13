//! Whole runs, with real processes: what is measured, what is refused, and what is left behind.

mod agreement;
mod bad_workers;
mod command_line;
mod common;
mod known_answers;
