//! Lives of orders, one after another without end: filled, cancelled, changed, refused, expired, bracketed.
//! Each life is over, or soon will be, when its frames have been read; so whoever forgets what is finished can
//! go on for ever. Shared by the test that does it briefly and the long run.

use crate::frames::{cancel, limit, order, place, place_in};

/// Order ids and kinds of the lives to come.
#[derive(Debug)]
pub(crate) struct Load {
    next_id: i32,
    lives: u32,
    orders: u64,
}

impl Load {
    /// Starts with this order id.
    pub(crate) fn from(first_id: i32) -> Self {
        Self { next_id: first_id, lives: 0, orders: 0 }
    }

    /// Orders placed so far.
    pub(crate) fn orders(&self) -> u64 {
        self.orders
    }

    /// Frames of one more life. An order that is to expire does so at `soon`.
    pub(crate) fn next(&mut self, soon: &str) -> Vec<u8> {
        self.lives += 1;
        // Ten kinds, and the sides in turn ten by ten, so that positions come and go.
        let side = if (self.lives / 10).is_multiple_of(2) { "BUY" } else { "SELL" };
        let far = if side == "BUY" { 225.0 } else { 235.0 };
        match self.lives % 10 {
            0..=2 => self.cancelled(limit(side, "10", far)),
            3..=5 => self.placed(order(side, "10", "MKT")),
            6 => self.placed(limit(side, "10", far).text(11, "IOC")),
            7 => self.placed(limit(side, "10", far).text(11, "GTD").text(26, soon)),
            8 => self.refused(),
            _ => [self.changed(side, far), self.bracket(side)].concat(),
        }
    }

    fn id(&mut self) -> i32 {
        self.next_id += 1;
        self.orders += 1;
        self.next_id
    }

    fn placed(&mut self, order: crate::frames::Body) -> Vec<u8> {
        place(self.id(), order)
    }

    fn cancelled(&mut self, order: crate::frames::Body) -> Vec<u8> {
        let id = self.id();
        [place(id, order), cancel(id)].concat()
    }

    fn changed(&mut self, side: &str, far: f64) -> Vec<u8> {
        let id = self.id();
        let changed = place(id, limit(side, "20", far));
        [place(id, limit(side, "10", far)), changed, cancel(id)].concat()
    }

    /// An unknown contract, a price off the grid, and a cancel of what never was.
    fn refused(&mut self) -> Vec<u8> {
        let unknown = place_in(1, self.id(), order("BUY", "10", "MKT"));
        let off_grid = place(self.id(), limit("BUY", "10", 225.001));
        [unknown, off_grid, cancel(self.next_id + 1_000_000)].concat()
    }

    /// A parked parent that fills once its child comes, and the child, cancelled.
    fn bracket(&mut self, side: &str) -> Vec<u8> {
        let (opposite, profit) = if side == "BUY" { ("SELL", 235.0) } else { ("BUY", 225.0) };
        let parent = self.id();
        let child = self.id();
        let parked = place(parent, order(side, "10", "MKT").flag(66, false));
        let released = place(child, limit(opposite, "10", profit).int(4, parent));
        [parked, released, cancel(child)].concat()
    }
}
