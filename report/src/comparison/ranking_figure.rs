//! The figures that contenders are ranked by.

use serde::Serialize;

use super::Row;
use crate::record::Figures;

/// A figure that contenders are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RankingFigure {
    /// [`Figures::wall_ns`].
    WallNs,
    /// [`Figures::cpu_ns`]. Every run makes the same requests, so CPU and CPU per request have the same order.
    CpuNs,
}

impl RankingFigure {
    /// The figures that contenders are compared by; the first is that of the main ranking.
    ///
    /// In an open loop the schedule decides the wall time. Where nothing is delayed the target limits it as much
    /// as the contender does. In both cases CPU alone is compared.
    pub(super) fn compared(is_open_loop: bool, total_delay_ns: u64) -> &'static [RankingFigure] {
        if is_open_loop || total_delay_ns == 0 {
            &[RankingFigure::CpuNs]
        } else {
            &[RankingFigure::WallNs, RankingFigure::CpuNs]
        }
    }

    pub(super) fn of(self, figures: &Figures) -> u64 {
        match self {
            RankingFigure::WallNs => figures.wall_ns,
            RankingFigure::CpuNs => figures.cpu_ns,
        }
    }

    /// The median of a row, in nanoseconds; `None` where the target limited the figure.
    pub(crate) fn median(self, row: &Row) -> Option<u64> {
        let measured = row.measured.as_ref()?;
        match self {
            RankingFigure::WallNs => (!row.is_target_limited()).then_some(measured.wall_ns.median),
            RankingFigure::CpuNs => Some(measured.cpu_ns.median),
        }
    }

    /// A lower bound for every run at a row's concurrency. CPU time has no bound that follows from the workload.
    pub(super) fn bound(self, row: &Row, total_delay_ns: u64) -> u64 {
        match self {
            RankingFigure::WallNs => total_delay_ns / row.slots().max(1),
            RankingFigure::CpuNs => 0,
        }
    }

    /// The largest value of the valid runs of a row.
    pub(super) fn most(self, row: &Row) -> Option<u64> {
        row.valid_figures().map(|figures| self.of(figures)).max()
    }
}
