//! The comparison as tables to read: on a terminal and in Markdown. The page shows the same tables.

mod bars;
pub(crate) mod contenders;
pub(crate) mod data;
pub(crate) mod heading;
pub mod markdown;
pub(crate) mod notes;
pub(crate) mod open_loop;
pub(crate) mod published;
pub(crate) mod ranking;
pub(crate) mod slopes;
pub mod terminal;
