//! The whole gateway without sockets under a script of frames: good ones, spoiled ones and noise, on sessions
//! in any phase and either dialect. A well-behaved client beside them is still answered at the end.

#![no_main]

#[path = "../../crates/twsim/tests/it/frames.rs"]
mod frames;
#[path = "../../crates/twsim/tests/it/seeds.rs"]
mod seeds;

use std::sync::LazyLock;

use alphec_twsim::GatewayConfig;
use alphec_twsim::desk::{ConnId, Desk};
use frames::{ask, frame, greeting, hello, ids};
use libfuzzer_sys::fuzz_target;

const START: i64 = 1_763_870_277_000_000_000;
const REQ_CURRENT_TIME_MILLIS: i32 = 105;

/// In both dialects.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| [seeds::protobufs(), seeds::texts()].concat());

fuzz_target!(|data: &[u8]| {
    let mut desk = Desk::new(GatewayConfig::default(), START);
    let mut now = START;
    let witness = desk.open();
    desk.receive(now, witness, &hello(9_999));
    let mut script = Script { rest: data };
    let mut conn = open(&mut desk, now, &mut script);
    while let Some(bytes) = script.next() {
        now += 40_000_000;
        desk.receive(now, conn, &bytes);
        if desk.take_output(conn).close {
            desk.closed(conn);
            conn = open(&mut desk, now, &mut script);
        }
    }
    drop(desk.take_output(witness));
    desk.receive(now, witness, &ask(REQ_CURRENT_TIME_MILLIS, 0));
    let output = desk.take_output(witness);
    assert!(!output.close && ids(&output.bytes).ends_with(&[309]));
});

fn open(desk: &mut Desk, now: i64, script: &mut Script<'_>) -> ConnId {
    let conn = desk.open();
    let phase = script.byte();
    let client_id = i32::from(phase >> 2);
    let (whole, reached) = match phase % 4 {
        0 => (hello(client_id), usize::MAX),
        1 => (seeds::text_hello(client_id), usize::MAX),
        2 => (greeting("v100..226"), usize::MAX),
        _ => (hello(client_id), usize::from(script.byte())),
    };
    desk.receive(now, conn, &whole[..reached.min(whole.len())]);
    conn
}

/// What to send next, read off the fuzzer's bytes.
struct Script<'a> {
    rest: &'a [u8],
}

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    fn some(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte()).min(self.rest.len());
        let (some, rest) = self.rest.split_at(length);
        self.rest = rest;
        some.to_vec()
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = usize::from(self.byte()) % SEEDS.len();
        SEEDS[at].clone()
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = match self.byte() % 8 {
            0 => self.some(),
            1 | 2 => {
                let id = 200 + i32::from(self.byte());
                frame(id, &self.some())
            }
            3 => frame(i32::from(self.byte()), &self.some()),
            4 | 5 => self.seed(),
            _ => self.spoiled(),
        };
        Some(bytes)
    }

    /// A good frame with a stretch of it replaced, its length made true again.
    fn spoiled(&mut self) -> Vec<u8> {
        let mut bytes = self.seed();
        let from = 4 + usize::from(self.byte()) % (bytes.len() - 3);
        let to = from + usize::from(self.byte()) % (bytes.len() + 1 - from);
        bytes.splice(from..to, self.some());
        let length = u32::try_from(bytes.len() - 4).unwrap_or(0);
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes
    }
}
