//! Random and spoiled frames at the gateway without sockets, in every phase of a session. It must not panic,
//! hang or grow; bytes that are no message cost the connection that sent them and no other.
//!
//! `TWSIM_FRAMES=1000000 TWSIM_SEED=7 cargo test --release -p alphec-twsim --test it random::`

#![allow(clippy::print_stdout, reason = "a random test says how to run it again")]

use std::time::{Duration, Instant};

use alphec_twsim::GatewayConfig;
use alphec_twsim::desk::{ConnId, Desk};
use alphec_twsim::venue::{Retention, Venue};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::frames::{Body, ask, frame, greeting, hello, ids, limit};
use crate::seeds;

const START: i64 = 1_763_870_277_000_000_000;
const STEP: i64 = 40_000_000;

/// Frames sent when the environment names no other number.
const FRAMES: u64 = 20_000;
/// Connections that misbehave at the same time.
const HOSTILE: usize = 6;
/// One frame may not keep the gateway busy for longer, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at the well-behaved client and at what is held.
const LOOK: u64 = 2_000;

const REQ_CURRENT_TIME_MILLIS: i32 = 105;

#[test]
fn random_frames_hurt_only_who_sends_them() {
    let seed = from_environment("TWSIM_SEED").unwrap_or(1);
    let frames = from_environment("TWSIM_FRAMES").unwrap_or(FRAMES);
    println!("TWSIM_SEED={seed} TWSIM_FRAMES={frames} cargo test -p alphec-twsim --test it random::");
    let mut storm = Storm::new(seed);
    for sent in 1..=frames {
        storm.send();
        if sent % LOOK == 0 {
            storm.look();
        }
    }
    storm.end(frames);
}

fn config() -> GatewayConfig {
    let retention = Retention { finished_orders: 2_000, executions: 2_000, bar_slots: 100 };
    GatewayConfig { retention, ..GatewayConfig::default() }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

struct Storm {
    rng: StdRng,
    desk: Desk,
    /// Lives through the diary of the desk's venue.
    twin: Venue,
    now: i64,
    hostile: Vec<Peer>,
    witness: ConnId,
    protobufs: Vec<Vec<u8>>,
    texts: Vec<Vec<u8>>,
}

/// A connection that misbehaves, most often in the dialect of its session.
#[derive(Clone, Copy)]
struct Peer {
    conn: ConnId,
    speaks_text: bool,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut desk = Desk::new(config(), START);
        desk.keep_diary();
        let witness = desk.open();
        desk.receive(START, witness, &hello(9_999));
        drop(desk.take_output(witness));
        let mut storm = Self {
            rng: StdRng::seed_from_u64(seed),
            twin: Venue::new(config().venue(START)),
            desk,
            now: START,
            hostile: Vec::new(),
            witness,
            protobufs: seeds::protobufs(),
            texts: seeds::texts(),
        };
        for _ in 0..HOSTILE {
            let peer = storm.open();
            storm.hostile.push(peer);
        }
        storm
    }

    /// A connection in any phase of its life, in either dialect.
    fn open(&mut self) -> Peer {
        let conn = self.desk.open();
        let client_id = self.rng.random_range(0..40);
        let (whole, speaks_text) = match self.rng.random_range(0..5) {
            0 | 1 => (hello(client_id), false),
            2 | 3 => (seeds::text_hello(client_id), true),
            _ => (greeting("v100..226"), false),
        };
        let whole_length = whole.len();
        let reached =
            if self.rng.random_bool(0.9) { whole_length } else { self.rng.random_range(0..whole_length) };
        self.desk.receive(self.now, conn, &whole[..reached]);
        Peer { conn, speaks_text }
    }

    fn send(&mut self) {
        self.now += STEP;
        let at = self.rng.random_range(0..HOSTILE);
        let Peer { conn, speaks_text } = self.hostile[at];
        let is_wrong_dialect = self.rng.random_bool(0.02);
        let frame = self.frame(speaks_text ^ is_wrong_dialect);
        let began = Instant::now();
        self.desk.receive(self.now, conn, &frame);
        let output = self.desk.take_output(conn);
        assert!(began.elapsed() < PATIENCE, "hangs on {frame:?}");
        if output.close || self.rng.random_bool(0.01) {
            self.desk.closed(conn);
            self.hostile[at] = self.open();
        }
    }

    fn frame(&mut self, text: bool) -> Vec<u8> {
        match self.rng.random_range(0..100) {
            0..40 => self.seed(text),
            40..75 => self.spoiled(text),
            75..90 if text => {
                let id = self.rng.random_range(0..120).to_string();
                let fields: Vec<String> =
                    (0..self.rng.random_range(0..9)).map(|_| self.rng.random::<i16>().to_string()).collect();
                let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                seeds::text(&[&[id.as_str()], &fields[..]].concat())
            }
            75..90 => {
                let id = self.rng.random_range(200..320);
                let body = self.noise(40);
                frame(id, &body)
            }
            90..96 => {
                let id = self.rng.random();
                let body = self.noise(12);
                frame(id, &body)
            }
            96..99 => ask(self.rng.random_range(1..120), self.rng.random()),
            _ => self.noise(30),
        }
    }

    fn seed(&mut self, text: bool) -> Vec<u8> {
        // Orders get ids that rise, so that many are new and some name an order that is there.
        let order_id =
            i32::try_from((self.now - START) / STEP / 3).unwrap_or(1) + self.rng.random_range(0..4);
        match (text, self.rng.random_bool(0.3)) {
            (false, true) => crate::frames::place(order_id, limit("BUY", "10", 229.99)),
            (false, false) => self.protobufs.choose(&mut self.rng).cloned().unwrap_or_default(),
            (true, true) => {
                // The first text is an order.
                let (before, after) = (b"3\x001\0", format!("3\0{order_id}\0").into_bytes());
                let order = &self.texts[0][4..];
                assert!(order.starts_with(before));
                let body = [&after[..], &order[before.len()..]].concat();
                [&(body.len() as u32).to_be_bytes()[..], &body].concat()
            }
            (true, false) => self.texts.choose(&mut self.rng).cloned().unwrap_or_default(),
        }
    }

    /// A good frame with bytes changed, taken out or put in; most often with a length that is true.
    fn spoiled(&mut self, text: bool) -> Vec<u8> {
        let mut bytes = self.seed(text);
        for _ in 0..self.rng.random_range(1..4) {
            let at = self.rng.random_range(0..bytes.len().max(1));
            match self.rng.random_range(0..4) {
                0 if at < bytes.len() => bytes[at] = self.rng.random(),
                1 if at < bytes.len() => bytes[at] ^= 1 << self.rng.random_range(0..8),
                2 => bytes.truncate(at.max(5)),
                _ => {
                    let more = self.noise(9);
                    bytes.splice(at..at, more);
                }
            }
        }
        if self.rng.random_bool(0.99) && bytes.len() > 4 {
            let length = u32::try_from(bytes.len() - 4).unwrap_or(0);
            bytes[..4].copy_from_slice(&length.to_be_bytes());
        }
        bytes
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let length = self.rng.random_range(0..=most);
        (0..length).map(|_| self.rng.random()).collect()
    }

    /// The well-behaved client is still served, and what is held has its bounds.
    fn look(&mut self) {
        self.desk.receive(self.now, self.witness, &ask(REQ_CURRENT_TIME_MILLIS, 0));
        let output = self.desk.take_output(self.witness);
        assert!(!output.close);
        assert!(
            ids(&output.bytes).ends_with(&[REQ_CURRENT_TIME_MILLIS + 200 + 4]),
            "{:?}",
            ids(&output.bytes)
        );
        self.desk.receive(self.now, self.witness, &Body::default().frame(58));
        drop(self.desk.take_output(self.witness));
        self.live_again();
        for (name, size) in self.desk.sizes() {
            let most = if name.starts_with("bytes") { 1 << 20 } else { 5_000 };
            assert!(size <= most, "{size} {name}");
        }
    }

    /// Whatever frames made of the venue, its diary tells.
    fn live_again(&mut self) {
        for line in self.desk.take_diary().unwrap().split_inclusive(|byte| *byte == b'\n') {
            self.twin.live_again(line).unwrap();
        }
        let truth = self.desk.truth();
        assert!(truth.executions.iter().eq(self.twin.executions()), "the twin traded otherwise");
        assert!(truth.accounts.iter().eq(self.twin.accounts()), "the twin holds something else");
        let working = truth.orders.iter().filter(|order| order.ended_at.is_none()).map(|order| &order.report);
        assert!(working.eq(self.twin.open_orders().map(|report| *report).collect::<Vec<_>>().iter()));
    }

    /// With everybody gone nothing is left but what is kept by policy.
    fn end(mut self, sent: u64) {
        for conn in self.hostile.drain(..).map(|peer| peer.conn).chain([self.witness]) {
            self.desk.closed(conn);
        }
        self.desk.control(self.now + STEP, alphec_twsim::venue::VenueInput::CancelAll);
        let kept = [
            "finished orders",
            "finished order keys",
            "executions",
            "bar slots",
            "combinations",
            "client ids seen",
            "timers",
        ];
        for (name, size) in self.desk.sizes() {
            let by_policy = kept.contains(&name) || name.starts_with("names") || name == "parked orders";
            assert!(by_policy || size == 0, "{size} {name}");
        }
        let counters = self.desk.counters();
        println!(
            "{} messages, {} orders, {} malformed",
            counters.messages_in, counters.orders, counters.malformed
        );
        assert!(counters.malformed > 0 && counters.messages_in > sent / 2);
    }
}
