//! Text messages at every server version that has some, made of noise or of a good message with a stretch
//! replaced: decoding says what a message is, or that it is none, and never panics.

#![no_main]

#[path = "../../crates/twsim/tests/it/frames.rs"]
mod frames;
#[path = "../../crates/twsim/tests/it/seeds.rs"]
mod seeds;

use std::sync::LazyLock;

use alphec_twsim::wire::decode;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

/// Payloads, without their lengths.
static SEEDS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| seeds::texts().into_iter().map(|frame| frame[4..].to_vec()).collect());

fuzz_target!(|data: &[u8]| {
    let Some((&[version, seed, from, to], rest)) = data.split_first_chunk::<4>() else { return };
    let version = 157 + i32::from(version) % 56;
    let mut payload = match SEEDS.get(usize::from(seed)) {
        Some(good) => {
            let mut payload = good.clone();
            let from = usize::from(from).min(payload.len());
            let to = (from + usize::from(to)).min(payload.len());
            payload.splice(from..to, rest.iter().copied());
            payload
        }
        None => rest.to_vec(),
    };
    if version >= 201 {
        // From here on the message id is a number of four bytes.
        let end = payload.iter().position(|byte| *byte == 0).unwrap_or(0);
        let id = std::str::from_utf8(&payload[..end]).ok().and_then(|id| id.parse::<i32>().ok()).unwrap_or(3);
        payload.splice(..(end + 1).min(payload.len()), id.to_be_bytes());
    }
    drop(decode(version, &Bytes::from(payload)));
});
