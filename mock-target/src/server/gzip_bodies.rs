//! The gzip bodies that some faults send instead of the planned body.

use std::io::{self, Read};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::body::Bodies;
use crate::fault::Fault;
use crate::scenario::Scenario;

/// A body for each such fault of a scenario, encoded once.
pub(super) struct GzipBodies(Vec<(Fault, Vec<u8>)>);

impl GzipBodies {
    pub(super) fn new(scenario: &Scenario, bodies: &Bodies) -> GzipBodies {
        let encode = |fault| match fault {
            Fault::TruncatedGzip => {
                let whole = gzip(bodies.parts(0).1);
                Some((fault, whole[..whole.len() / 2].to_vec()))
            }
            Fault::GzipBomb(bytes) => Some((fault, gzip(io::repeat(0).take(bytes)))),
            _ => None,
        };
        GzipBodies(scenario.faults.iter().filter_map(|share| encode(share.fault)).collect())
    }

    /// The body of a fault; empty for a fault that needs none.
    pub(super) fn body(&self, fault: Fault) -> &[u8] {
        self.0.iter().find(|(known, _)| *known == fault).map_or(&[], |(_, body)| body)
    }
}

fn gzip(mut bytes: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    io::copy(&mut bytes, &mut encoder).and_then(|_| encoder.finish()).expect("memory can be written to")
}
