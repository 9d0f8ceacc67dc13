//! The common client: one HTTP/1.1 exchange for all models, so that only the model differs.

mod chunked;
pub mod exchange;
pub mod site;
