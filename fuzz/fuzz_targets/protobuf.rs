//! Bodies of messages in both dialects, at every server version: decoding says what it is or that it is
//! nothing, and never panics.

#![no_main]

use alphec_twsim::wire::{NEWEST_SERVER_VERSION, OLDEST_SERVER_VERSION, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [version, id, body @ ..] = data else { return };
    let versions = NEWEST_SERVER_VERSION - OLDEST_SERVER_VERSION + 1;
    let version = OLDEST_SERVER_VERSION + i32::from(*version) % versions;
    let id = i32::from(*id);
    let text = [format!("{id}\0").as_bytes(), body].concat();
    let binary = [&id.to_be_bytes(), body].concat();
    let protobuf = [&(200 + id).to_be_bytes(), body].concat();
    for payload in [text, binary, protobuf] {
        drop(decode(version, &payload.into()));
    }
});
