//! Random numbers without a generator: every number is a hash of its purpose and index.
//!
//! A delay must depend on the seed and the URL alone, never on the order in which requests arrive,
//! so nothing here has a state that advances.

/// What a random number is for. Numbers for different purposes are independent of each other.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// The delay of a URL's response.
    Delay = 1,
    /// Where in the noise a URL's body begins.
    BodyOffset = 2,
    /// The noise itself.
    Noise = 3,
    /// Which fault a URL has, if any.
    Fault = 4,
    /// Whether a connection is refused.
    Refusal = 5,
    /// Delays that take more than one random number.
    FurtherDelay = 6,
}

/// 2⁶⁴ divided by the golden ratio: the increment of `SplitMix64`.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output at `index`, counted from 0, of `SplitMix64` with the initial state `seed`: 64 uniform bits.
///
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the
/// constants of Stafford's variant 13, as in Vigna's public-domain `splitmix64.c`.
pub fn splitmix64(seed: u64, index: u64) -> u64 {
    mix(seed.wrapping_add(GOLDEN.wrapping_mul(index.wrapping_add(1))))
}

/// The output function of `SplitMix64`.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The number at `index` of the sequence that `seed` and `purpose` choose: 64 uniform bits.
pub(crate) fn bits(seed: u64, purpose: Purpose, index: u64) -> u64 {
    let stream = mix(seed.wrapping_add(GOLDEN.wrapping_mul(purpose as u64)));
    splitmix64(stream, index)
}

/// 64 random bits as a number strictly between 0 and 1, on a grid of 2⁻⁵².
pub fn unit(bits: u64) -> f64 {
    // The half step excludes both ends, where quantile functions reach infinity.
    ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_matches_published_outputs() {
        // The first outputs of splitmix64.c from state 1234567, as published with Java's
        // SplittableRandom and on Rosetta Code.
        assert_eq!(
            [0, 1, 2].map(|index| splitmix64(1_234_567, index)),
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn unit_excludes_zero_and_one() {
        assert!(unit(0) > 0.0);
        assert!(unit(u64::MAX) < 1.0);
    }

    #[test]
    fn purposes_and_seeds_give_different_numbers() {
        let mut seen: Vec<u64> = [Purpose::Delay, Purpose::BodyOffset, Purpose::Noise]
            .into_iter()
            .flat_map(|purpose| (0..4).flat_map(move |seed| (0..50).map(move |id| bits(seed, purpose, id))))
            .collect();
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
