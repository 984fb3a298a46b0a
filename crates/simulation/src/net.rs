//! The line between adapter and gateway: bytes in order, each way with a delay; cut, or gone silent.

use std::collections::VecDeque;

use alphec_twsim::desk::ConnId;
use bytes::BytesMut;

use crate::clock::Instant;
use crate::dice::Dice;

/// What travels to the adapter.
#[derive(Debug)]
pub(crate) enum Down {
    Bytes(BytesMut),
    End,
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) conn: ConnId,
    up: VecDeque<(Instant, Vec<u8>)>,
    down: VecDeque<(Instant, Down)>,
    /// Nothing passes any more.
    pub(crate) is_hole: bool,
    /// When the gateway hears that the line is gone.
    pub(crate) gone_at: Option<Instant>,
}

impl Line {
    pub(crate) const fn new(conn: ConnId) -> Self {
        Self { conn, up: VecDeque::new(), down: VecDeque::new(), is_hole: false, gone_at: None }
    }

    pub(crate) fn send_up(&mut self, now: Instant, latency: Instant, bytes: Vec<u8>) {
        if !self.is_hole {
            let last = self.up.back().map_or(now, |(at, _)| *at);
            self.up.push_back((now.saturating_add(latency).max(last), bytes));
        }
    }

    pub(crate) fn send_down(&mut self, now: Instant, latency: Instant, down: Down) {
        if !self.is_hole {
            let last = self.down.back().map_or(now, |(at, _)| *at);
            self.down.push_back((now.saturating_add(latency).max(last), down));
        }
    }

    /// The next bytes that have reached the gateway.
    pub(crate) fn arrived_up(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.up.pop_front_if(|(at, _)| *at <= now).map(|(_, bytes)| bytes)
    }

    pub(crate) fn arrived_down(&mut self, now: Instant) -> Option<Down> {
        self.down.pop_front_if(|(at, _)| *at <= now).map(|(_, down)| down)
    }

    /// What is on its way is lost.
    pub(crate) fn lose_all(&mut self) {
        self.up.clear();
        self.down.clear();
    }

    /// What the adapter has not read is lost with it; what it wrote goes on its way.
    pub(crate) fn hang_up(&mut self, now: Instant, latency: Instant) {
        self.down.clear();
        let last = self.up.back().map_or(now, |(at, _)| *at);
        if !self.is_hole {
            self.gone_at = Some(now.saturating_add(latency).max(last));
        }
    }

    pub(crate) fn due_up(&self) -> Instant {
        let up = self.up.front().map_or(Instant::MAX, |(at, _)| *at);
        up.min(self.gone_at.unwrap_or(Instant::MAX))
    }

    pub(crate) fn due_down(&self) -> Instant {
        self.down.front().map_or(Instant::MAX, |(at, _)| *at)
    }
}

/// How long bytes take now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Latency {
    pub(crate) fn draw(self, dice: &mut Dice) -> Instant {
        dice.range(self.from, self.to)
    }
}
