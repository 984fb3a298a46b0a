//! Writing one message of NUL-terminated text fields as a frame.

use std::fmt::{Display, Write as _};

use bytes::{BufMut, BytesMut};

use crate::wire::catalog::BINARY_ID;

/// How an absent value is written: the broker's habit differs from field to field.
pub(super) mod unset {
    pub(in crate::wire::text) const EMPTY: &str = "";
    pub(in crate::wire::text) const ZERO: &str = "0";
    pub(in crate::wire::text) const ZERO_DOUBLE: &str = "0.0";
    pub(in crate::wire::text) const INT: &str = "2147483647";
    pub(in crate::wire::text) const LONG: &str = "9223372036854775807";
    pub(in crate::wire::text) const DOUBLE: &str = "1.7976931348623157E308";
}

/// First version with fractional sizes; older clients get whole ones (tws-behaviour 1.3).
const FRACTIONAL_SIZES: i32 = 163;

/// First version with permanent ids of 64 bits.
const LONG_PERM_IDS: i32 = 191;

/// A message being written. The frame's length is filled in when it is dropped.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    out: &'a mut BytesMut,
    start: usize,
    pub(super) version: i32,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut BytesMut, version: i32, message_id: i32) -> Self {
        let start = out.len();
        out.put_u32(0);
        let mut writer = Self { out, start, version };
        if version >= BINARY_ID {
            writer.out.put_i32(message_id);
        } else {
            writer.show(message_id);
        }
        writer
    }

    /// A number, or anything else whose text cannot contain a NUL.
    pub(super) fn show(&mut self, value: impl Display) -> &mut Self {
        // Writing into a growing buffer cannot fail.
        let _written = write!(self.out, "{value}");
        self.out.put_u8(0);
        self
    }

    /// A text. A NUL inside it would shift every field behind it, so it becomes a blank.
    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        if value.contains('\0') {
            self.out.put_slice(value.replace('\0', " ").as_bytes());
        } else {
            self.out.put_slice(value.as_bytes());
        }
        self.out.put_u8(0);
        self
    }

    pub(super) fn opt(&mut self, value: Option<&str>) -> &mut Self {
        self.text(value.unwrap_or_default())
    }

    /// A text that clients unescape (since version 153): what is not plain ASCII is written as `\uXXXX`.
    pub(super) fn escaped(&mut self, value: &str) -> &mut Self {
        if value.is_ascii() && !value.contains('\\') {
            return self.text(value);
        }
        let mut plain = String::with_capacity(value.len());
        for unit in value.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() && byte != b'\\' => plain.push(char::from(byte)),
                _ => {
                    let _written = write!(plain, "\\u{unit:04x}");
                }
            }
        }
        self.text(&plain)
    }

    pub(super) fn flag(&mut self, value: Option<bool>) -> &mut Self {
        self.show(u8::from(value == Some(true)))
    }

    pub(super) fn int(&mut self, value: Option<i32>, absent: &str) -> &mut Self {
        match value {
            Some(value) => self.show(value),
            None => self.text(absent),
        }
    }

    /// A number as Java prints it, which always has a point.
    pub(super) fn double(&mut self, value: Option<f64>, absent: &str) -> &mut Self {
        match value {
            Some(f64::INFINITY) => self.text("Infinity"),
            Some(f64::MAX) => self.text(unset::DOUBLE),
            Some(value) => self.show(format_args!("{value:?}")),
            None => self.text(absent),
        }
    }

    /// A size, given as a decimal text.
    pub(super) fn size(&mut self, value: Option<&str>, absent: &str) -> &mut Self {
        match value {
            Some(value) if self.version < FRACTIONAL_SIZES => {
                self.text(value.split_once('.').map_or(value, |(whole, _)| whole))
            }
            Some(value) => self.text(value),
            None => self.text(absent),
        }
    }

    /// Older clients keep permanent ids in 32 bits.
    pub(super) fn perm_id(&mut self, value: Option<i64>) -> &mut Self {
        let value = value.unwrap_or(0);
        self.show(if self.version < LONG_PERM_IDS { value & i64::from(i32::MAX) } else { value })
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        let length = u32::try_from(self.out.len() - self.start - 4).unwrap_or(u32::MAX);
        self.out[self.start..self.start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Write = for<'a, 'b> fn(&'a mut Writer<'b>) -> &'a mut Writer<'b>;

    fn frame(version: i32, write: Write) -> Vec<u8> {
        let mut out = BytesMut::new();
        write(&mut Writer::new(&mut out, version, 9));
        out.to_vec()
    }

    #[test]
    fn the_message_id_is_text_before_201_and_four_bytes_from_then_on() {
        assert_eq!(frame(200, |it| it.show(1)), b"\0\0\0\x049\x001\0");
        assert_eq!(frame(201, |it| it.show(1)), b"\0\0\0\x06\0\0\0\x091\0");
    }

    #[test]
    fn numbers_look_like_the_brokers() {
        let text = |write: Write| String::from_utf8(frame(178, write)[6..].to_vec()).unwrap();
        assert_eq!(text(|it| it.double(Some(230.0), "")), "230.0\0");
        assert_eq!(text(|it| it.double(Some(0.01), "")), "0.01\0");
        assert_eq!(text(|it| it.double(None, unset::DOUBLE)), "1.7976931348623157E308\0");
        assert_eq!(text(|it| it.escaped("Größe \\")), "Gr\\u00f6\\u00dfe \\u005c\0");
        assert_eq!(text(|it| it.text("a\0b")), "a b\0");
    }

    #[test]
    fn old_versions_get_whole_sizes_and_short_permanent_ids() {
        let both: Write = |it| it.size(Some("1.5"), "").perm_id(Some(1 << 33 | 5));
        assert_eq!(&frame(162, both)[6..], b"1\x005\0");
        assert_eq!(&frame(191, both)[6..], b"1.5\08589934597\0");
    }
}
