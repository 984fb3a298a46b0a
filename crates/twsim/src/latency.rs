//! How long messages travel, each way, by a distribution and a seed. Messages of one connection never overtake each
//! other, as on any stream.

use std::f64::consts::TAU;
use std::str::FromStr;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::desk::ConnId;
use crate::faults::parse_span;

/// A travel time is never longer, whatever was drawn.
const LONGEST: i64 = 60_000_000_000;

/// Times are drawn to the microsecond.
const MICRO: i64 = 1_000;

/// Where 99 % of a standard normal distribution lie below.
const Z_99: f64 = 2.326_347_874_040_841;

/// A distribution of travel times, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Travel {
    /// Always the same.
    Fixed(i64),
    /// Anything between two bounds, both included.
    Uniform(i64, i64),
    /// Mostly short, sometimes very long: half are below the first, 99 % below the second.
    LogNormal {
        /// Half are shorter.
        median: i64,
        /// One in a hundred is longer.
        p99: i64,
    },
}

/// Travel times of requests and of answers; nothing where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// From the client to the venue.
    pub requests: Option<Travel>,
    /// From the venue to the client.
    pub answers: Option<Travel>,
}

impl Latency {
    /// The same each way.
    pub const fn each_way(travel: Travel) -> Self {
        Self { requests: Some(travel), answers: Some(travel) }
    }

    /// What either says; the other wins where both do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { requests: other.requests.or(self.requests), answers: other.answers.or(self.answers) }
    }
}

/// `fixed:5ms`, `uniform:1ms..5ms` or `lognormal:median=3ms,p99=40ms`, each way; or one way, with `requests=` or
/// `answers=` before it.
impl FromStr for Latency {
    type Err = LatencyTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || LatencyTextError { text: text.to_owned() };
        let one_way = |name: &str| text.trim().strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        match (one_way("requests"), one_way("answers")) {
            (Some(rest), _) => Ok(Self { requests: Some(travel(rest).ok_or_else(bad)?), answers: None }),
            (_, Some(rest)) => Ok(Self { requests: None, answers: Some(travel(rest).ok_or_else(bad)?) }),
            (None, None) => travel(text.trim()).map(Self::each_way).ok_or_else(bad),
        }
    }
}

fn travel(text: &str) -> Option<Travel> {
    let span = |text: &str| parse_span(text.trim()).filter(|span| (0..=LONGEST).contains(span));
    let (kind, rest) = text.split_once(':')?;
    match kind {
        "fixed" => span(rest).map(Travel::Fixed),
        "uniform" => {
            let (low, high) = rest.split_once("..")?;
            let (low, high) = (span(low)?, span(high)?);
            (low <= high).then_some(Travel::Uniform(low, high))
        }
        "lognormal" => {
            let (median, p99) = rest.split_once(',')?;
            let median = span(median.trim().strip_prefix("median=")?)?;
            let p99 = span(p99.trim().strip_prefix("p99=")?)?;
            (median > 0 && median <= p99).then_some(Travel::LogNormal { median, p99 })
        }
        _ => None,
    }
}

/// A text that describes no latency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "latency {text:?} is not of the form fixed:5ms, uniform:1ms..5ms or lognormal:median=3ms,p99=40ms (up to a minute), \
    with requests= or answers= before it for one way only"
)]
pub struct LatencyTextError {
    /// What was written.
    pub text: String,
}

/// The way of one connection in one direction, with chance of its own.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    travel: Option<Travel>,
    rng: ChaCha8Rng,
}

/// Both ways of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    pub(crate) requests: Way,
    pub(crate) answers: Way,
}

impl Ways {
    /// `None` when nothing takes any time.
    pub(crate) fn of(latency: Latency, seed: u64, conn: ConnId) -> Option<Box<Self>> {
        if latency == Latency::default() {
            return None;
        }
        let way = |travel, direction| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(STREAMS | conn << 1 | direction);
            Way { travel, rng }
        };
        Some(Box::new(Self { requests: way(latency.requests, 0), answers: way(latency.answers, 1) }))
    }
}

impl Ways {
    /// Nothing takes time any more.
    pub(crate) fn stop(&mut self) {
        self.requests.travel = None;
    }
}

/// Apart from the streams of instruments and faults.
const STREAMS: u64 = 1 << 62;

impl Way {
    /// The travel time of the next message.
    pub(crate) fn draw(&mut self) -> i64 {
        match self.travel {
            None => 0,
            Some(Travel::Fixed(span)) => span,
            Some(Travel::Uniform(low, high)) => self.rng.random_range(low / MICRO..=high / MICRO) * MICRO,
            Some(Travel::LogNormal { median, p99 }) => self.log_normal(median, p99),
        }
    }

    /// By Box and Muller. To the microsecond, so that the last bit of a logarithm does not matter.
    fn log_normal(&mut self, median: i64, p99: i64) -> i64 {
        let (radius, angle): (f64, f64) = (self.rng.random(), self.rng.random());
        let normal = (-2.0 * (1.0 - radius).ln()).sqrt() * (TAU * angle).cos();
        let seconds = |span: i64| Duration::from_nanos(span.unsigned_abs()).as_secs_f64();
        let sigma = (seconds(p99) / seconds(median)).ln() / Z_99;
        let drawn =
            Duration::try_from_secs_f64(seconds(median) * (sigma * normal).exp()).unwrap_or(Duration::MAX);
        let nanos = i64::try_from(drawn.as_nanos()).unwrap_or(LONGEST).min(LONGEST);
        nanos / MICRO * MICRO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn sample(text: &str, seed: u64) -> Vec<i64> {
        let mut ways = Ways::of(text.parse().unwrap(), seed, 7).unwrap();
        (0..10_000).map(|_| ways.requests.draw()).collect()
    }

    #[test]
    fn times_are_distributed_as_the_text_says() {
        assert!(sample("fixed:5ms", 1).iter().all(|span| *span == 5 * MS));
        let mut uniform = sample("uniform:1ms..5ms", 1);
        uniform.sort_unstable();
        assert!(uniform[0] >= MS && uniform[9_999] <= 5 * MS);
        assert!((2_900_000..3_100_000).contains(&uniform[5_000]), "{}", uniform[5_000]);
        let mut skewed = sample("lognormal:median=3ms,p99=40ms", 1);
        skewed.sort_unstable();
        assert!((2_800_000..3_200_000).contains(&skewed[5_000]), "{}", skewed[5_000]);
        assert!((33 * MS..47 * MS).contains(&skewed[9_900]), "{}", skewed[9_900]);
        assert!(skewed[0] >= 0 && skewed[9_999] <= LONGEST);
    }

    #[test]
    fn the_same_seed_and_connection_draw_the_same_times_and_each_way_its_own() {
        let text = "uniform:1ms..5ms";
        assert_eq!(sample(text, 1), sample(text, 1));
        assert_ne!(sample(text, 1), sample(text, 2));
        let mut ways = Ways::of(text.parse().unwrap(), 1, 7).unwrap();
        let answers: Vec<i64> = (0..10_000).map(|_| ways.answers.draw()).collect();
        assert_ne!(answers, sample(text, 1));
    }

    #[test]
    fn a_text_is_for_each_way_or_for_one() {
        let fixed = Travel::Fixed(5 * MS);
        assert_eq!("fixed:5ms".parse(), Ok(Latency::each_way(fixed)));
        let one: Latency = "requests=fixed:5ms".parse().unwrap();
        assert_eq!(one, Latency { requests: Some(fixed), answers: None });
        let other: Latency = "answers=lognormal:median=3ms,p99=40ms".parse().unwrap();
        let p99 = Travel::LogNormal { median: 3 * MS, p99: 40 * MS };
        assert_eq!(one.and(other), Latency { requests: Some(fixed), answers: Some(p99) });
        for text in [
            "",
            "5ms",
            "fixed:5",
            "uniform:5ms..1ms",
            "lognormal:median=0ms,p99=4ms",
            "fixed:2m",
            "in=fixed:1ms",
        ] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
    }
}
