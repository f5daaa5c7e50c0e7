//! Classes of bytes. Linux's terminals see them as Latin-1 where they are not told that they are UTF-8.

/// A control character, shown as ^X.
pub(super) const fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// A byte of a UTF-8 character after the first.
pub(super) const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// A letter or a digit.
pub(super) const fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

/// The small letter of a capital one.
pub(super) const fn to_lower(byte: u8) -> u8 {
    if byte.is_ascii_uppercase() || (byte >= 0xc0 && byte <= 0xde && byte != 0xd7) { byte + 0x20 } else { byte }
}

/// The capital letter of a small one.
pub(super) const fn to_upper(byte: u8) -> u8 {
    // LINUX: sharp s and y with diaeresis count as small letters and become what lies 32 below.
    if byte.is_ascii_lowercase() || (byte >= 0xdf && byte != 0xf7) { byte - 0x20 } else { byte }
}
