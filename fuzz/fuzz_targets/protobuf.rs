//! Protobuf messages at every server version that has some: decoding says what a message is, or that it is
//! none, and never panics.

#![no_main]

use alphec_twsim::wire::decode;
use bytes::{BufMut, BytesMut};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&[version, id], body)) = data.split_first_chunk::<2>() else { return };
    let mut payload = BytesMut::new();
    payload.put_i32(200 + i32::from(id));
    payload.put_slice(body);
    drop(decode(201 + i32::from(version) % 26, &payload.freeze()));
});
