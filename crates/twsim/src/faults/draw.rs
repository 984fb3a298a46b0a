//! Chance: one ChaCha stream per fault, addressed by position.
//!
//! A draw is a pure function of seed, fault and position. Arming another fault therefore shifts no draw, and a
//! logged position can be drawn again.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws are in millionths.
pub(super) const WHOLE: u32 = 1_000_000;

pub(super) fn draw(seed: u64, stream: u64, position: u64) -> u32 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng.set_word_pos(u128::from(position));
    let scaled = (u64::from(rng.next_u32()) * u64::from(WHOLE)) >> 32;
    u32::try_from(scaled).unwrap_or(WHOLE - 1)
}

/// Stream of the `ordinal`-th fault with this name: FNV-1a, which will read the same for ever.
pub(super) fn stream_of(name: &str, ordinal: u64) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let hash =
        name.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash.wrapping_add(ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_fault_and_position_and_on_nothing_else() {
        let stream = stream_of("reject", 0);
        assert_eq!(draw(1, stream, 5), draw(1, stream, 5));
        assert_ne!(draw(1, stream, 5), draw(2, stream, 5));
        assert_ne!(draw(1, stream, 5), draw(1, stream_of("reject", 1), 5));
        assert_ne!(draw(1, stream, 5), draw(1, stream, 6));
    }

    #[test]
    fn draws_are_spread_over_the_whole_range() {
        let stream = stream_of("swallow", 0);
        let hits = (0..10_000).filter(|at| draw(7, stream, *at) < WHOLE / 4).count();
        assert!((2_300..2_700).contains(&hits), "{hits} of 10000 below a quarter");
    }
}
