//! The figures that contenders are compared by.

use serde::Serialize;

use super::Row;
use crate::record::Figures;

/// A figure that contenders are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// [`Figures::wall_ns`].
    WallNs,
    /// [`Figures::cpu_ns`]. Every run makes the same requests, so CPU and CPU a request have the same order.
    CpuNs,
}

impl Figure {
    /// What contenders are compared by, the figure that ranks them first.
    ///
    /// In an open loop the schedule decides the wall. Where nothing is delayed the target limits it as much
    /// as the contender does. In both CPU alone is compared.
    pub(super) fn compared(is_open_loop: bool, total_delay_ns: u64) -> &'static [Figure] {
        if is_open_loop || total_delay_ns == 0 { &[Figure::CpuNs] } else { &[Figure::WallNs, Figure::CpuNs] }
    }

    pub(super) fn of(self, figures: &Figures) -> u64 {
        match self {
            Figure::WallNs => figures.wall_ns,
            Figure::CpuNs => figures.cpu_ns,
        }
    }

    /// The median of a row, in nanoseconds; none where the figure is the target's and not the contender's own.
    pub(crate) fn median(self, row: &Row) -> Option<u64> {
        let measured = row.measured.as_ref()?;
        match self {
            Figure::WallNs => (!row.is_target_limited()).then_some(measured.wall_ns.median),
            Figure::CpuNs => Some(measured.cpu_ns.median),
        }
    }

    /// No run of a row's shape has less than this. Processor time has no bound that follows from the
    /// workload.
    pub(super) fn bound(self, row: &Row, total_delay_ns: u64) -> u64 {
        match self {
            Figure::WallNs => total_delay_ns / row.slots().max(1),
            Figure::CpuNs => 0,
        }
    }

    /// The most of any valid run of a row.
    pub(super) fn most(self, row: &Row) -> Option<u64> {
        row.valid_figures().map(|figures| self.of(figures)).max()
    }
}
