//! The chain: each record's hash covers its payload and the hash before it.

use core::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A SHA-256, shown and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first record follows: 32 zero bytes.
    pub const GENESIS: Self = Self([0; 32]);

    /// The hash of a record: SHA-256 over the previous hash, then the payload as stored.
    #[must_use]
    pub fn of(prev: &Self, payload: &[u8]) -> Self {
        Self(Sha256::new().chain_update(prev.0).chain_update(payload).finalize().into())
    }

    /// From its 32 bytes; `None` for any other length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let at = index.checked_mul(2)?;
            *byte = u8::from_str_radix(text.get(at..at.checked_add(2)?)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_plain_sha_256_over_previous_hash_and_payload() {
        // printf 'abc' after 32 zero bytes, through sha256sum.
        let hash = Hash::of(&Hash::GENESIS, b"abc");
        assert_eq!(Hash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(hash.as_bytes().as_slice(), Sha256::digest([&[0_u8; 32][..], b"abc"].concat()).as_slice());
    }

    #[test]
    fn text_that_is_no_hash_is_none() {
        for text in ["", "00", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(Hash::from_hex(text), None, "{text}");
        }
    }
}
