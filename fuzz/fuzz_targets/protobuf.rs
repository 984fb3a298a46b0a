//! Bodies of protobuf messages: decoding says what it is or that it is nothing, and never panics.

#![no_main]

use alphec_twsim::wire::decode;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((id, body)) = data.split_first() else { return };
    drop(decode(200 + i32::from(*id), &Bytes::copy_from_slice(body)));
});
