//! Prices from a script instead of from chance: quotes at instants after the opening.

use super::io::Quote;

/// The prices of one instrument, by nanoseconds after the opening, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PricePath {
    points: Vec<(i64, Quote)>,
}

impl PricePath {
    /// A path through the given points; they are brought into order of time.
    pub fn new(mut points: Vec<(i64, Quote)>) -> Self {
        points.sort_by_key(|(after, _)| *after);
        Self { points }
    }

    /// The points in order of time.
    pub fn points(&self) -> &[(i64, Quote)] {
        &self.points
    }
}
