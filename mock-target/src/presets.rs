//! Named scenarios, each with where its figures come from.

use thiserror::Error;

use crate::scenario::Scenario;
use crate::suggest::did_you_mean;

/// A named scenario.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name on the command line.
    pub name: &'static str,
    /// One sentence: what it models, and the source of its figures.
    pub about: &'static str,
    /// How many URLs it has.
    pub urls: u64,
    /// Its distribution of delays, as [`Latency`](crate::Latency) parses it.
    pub latency: &'static str,
    /// The requests in flight that it is meant for.
    pub in_flight: u32,
}

impl Preset {
    /// Its scenario.
    pub fn scenario(&self) -> Scenario {
        let latency = self.latency.parse().expect("a test parses every preset");
        Scenario {
            seed: 1,
            urls: self.urls,
            latency,
            body_bytes: 10 << 10,
            pace: None,
            faults: Vec::new(),
            injected_bug: None,
        }
    }
}

impl Scenario {
    /// The scenario of a name in [`Scenario::presets`].
    ///
    /// # Errors
    /// When there is no such preset; the error lists the names and suggests the nearest.
    pub fn preset(name: &str) -> Result<Scenario, UnknownPreset> {
        let preset = ALL.iter().find(|preset| preset.name == name);
        preset.map(Preset::scenario).ok_or_else(|| UnknownPreset { name: name.to_owned() })
    }

    /// Every preset, with where its figures come from.
    pub fn presets() -> &'static [Preset] {
        ALL
    }
}

/// Every preset, that of the article first.
const ALL: &[Preset] = &[
    Preset {
        name: "article",
        about: "1,000 URLs, median 250 ms: the workload of the SpyderProxy blog's \"Concurrency vs \
                Parallelism for Web Scraping\" (25 April 2026), its spread derived from the synchronous \
                row, whose 4 min 23 s are a mean of 263 ms.",
        urls: 1_000,
        latency: "lognormal:250ms,0.318",
        in_flight: 128,
    },
    Preset {
        name: "quick",
        about: "The article's workload with every delay divided by ten.",
        urls: 1_000,
        latency: "lognormal:25ms,0.318",
        in_flight: 128,
    },
    Preset {
        name: "lan",
        about: "A service in the same building, median 1 ms: an assumption, fitted to no source.",
        urls: 1_000,
        latency: "lognormal:1ms,0.3",
        in_flight: 128,
    },
    Preset {
        name: "api",
        about: "An origin server across the internet, median 183 ms: fitted to p50 and p90 of the TLS \
                negotiation times of origins in the Web Almanac 2024 (chapter CDN), \
                sigma = ln(p90 / p50) / 1.2816.",
        urls: 1_000,
        latency: "lognormal:183ms,0.357",
        in_flight: 128,
    },
    Preset {
        name: "cdn",
        about: "A content delivery network, median 70 ms: fitted to p50 and p90 of the TLS negotiation \
                times of CDNs in the Web Almanac 2024 (chapter CDN), sigma = ln(p90 / p50) / 1.2816.",
        urls: 1_000,
        latency: "lognormal:70ms,0.338",
        in_flight: 128,
    },
    Preset {
        name: "web-desktop",
        about: "Whole pages on desktops, median 726 ms: the lognormal through the shares of sites whose \
                time to first byte is within 800 ms and within 1,800 ms in the Web Almanac 2025 \
                (chapter Performance).",
        urls: 1_000,
        latency: "lognormal:726ms,0.773",
        in_flight: 128,
    },
    Preset {
        name: "web-mobile",
        about: "The same on phones, median 894 ms.",
        urls: 1_000,
        latency: "lognormal:894ms,0.734",
        in_flight: 128,
    },
    Preset {
        name: "tail",
        about: "One server of a large service, median 1 ms: p50, p95 and p99 of 1, 5 and 10 ms, as in \
                Dean and Barroso, \"The Tail at Scale\" (CACM 56, 2013); sigma is the mean of \
                ln 5 / 1.645 and ln 10 / 2.326, to two digits.",
        urls: 1_000,
        latency: "lognormal:1ms,0.98",
        in_flight: 128,
    },
    Preset {
        name: "crowd",
        about: "The article's latency with 10,000 URLs, for 1,000 in flight: where wall time begins to \
                distinguish clients.",
        urls: 10_000,
        latency: "lognormal:250ms,0.318",
        in_flight: 1_000,
    },
    Preset {
        name: "storm",
        about: "The article's latency with 40,000 URLs, for 5,000 in flight.",
        urls: 40_000,
        latency: "lognormal:250ms,0.318",
        in_flight: 5_000,
    },
    Preset {
        name: "sprint",
        about: "20,000 URLs without delay, for 128 in flight: the cost of a request alone.",
        urls: 20_000,
        latency: "fixed:0ms",
        in_flight: 128,
    },
];

/// There is no preset of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "there is no preset \"{name}\"; {}there are: {}",
    did_you_mean(.name, ALL.iter().map(|preset| preset.name)),
    names()
)]
pub struct UnknownPreset {
    /// The requested name.
    pub name: String,
}

fn names() -> String {
    ALL.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid() {
        for preset in ALL {
            assert_eq!(preset.scenario().validate(), Ok(()), "{}", preset.name);
            assert_eq!(Scenario::preset(preset.name), Ok(preset.scenario()));
        }
    }

    #[test]
    fn the_article_preset_takes_as_long_as_its_synchronous_row() {
        let article = Scenario::preset("article").expect("a preset");
        let total_s = (0..article.urls).map(|id| article.delay_ns(id)).sum::<u64>() as f64 / 1e9;
        assert!((total_s - 263.0).abs() < 263.0 * 0.03, "{total_s}");
    }

    #[test]
    fn fitted_presets_match_their_sources() {
        let share_within = |name: &str, limit_ms: u64| {
            let scenario = Scenario::preset(name).expect("a preset");
            let within = (0..100_000).filter(|id| scenario.delay_ns(*id) <= limit_ms * 1_000_000).count();
            within as f64 / 100_000.0
        };
        for (name, limit_ms, share) in [
            ("web-desktop", 800, 0.55),
            ("web-desktop", 1_800, 0.88),
            ("web-mobile", 800, 0.44),
            ("web-mobile", 1_800, 0.83),
            ("tail", 1, 0.50),
            ("tail", 5, 0.95),
            ("tail", 10, 0.99),
        ] {
            let found = share_within(name, limit_ms);
            assert!((found - share).abs() < 0.01, "{name} within {limit_ms} ms: {found}");
        }
    }

    #[test]
    fn unknown_preset_lists_presets_and_suggests_the_nearest() {
        let error = Scenario::preset("artcle").expect_err("no such preset").to_string();
        assert_eq!(
            error,
            "there is no preset \"artcle\"; did you mean \"article\"? there are: article, quick, lan, api, cdn, \
             web-desktop, web-mobile, tail, crowd, storm, sprint"
        );
        assert!(!Scenario::preset("zzzzzz").expect_err("none").to_string().contains("mean"));
    }
}
