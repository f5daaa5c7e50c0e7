//! Terminal structures.
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The kernel's `struct termios` (`TCGETS`).
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termios {
    /// Input modes.
    pub input: u32,
    /// Output modes.
    pub output: u32,
    /// Control modes.
    pub control: u32,
    /// Local modes.
    pub local: u32,
    /// Line discipline.
    pub line: u8,
    /// Control characters.
    pub characters: [u8; 19],
}

/// `struct termios2` (`TCGETS2`).
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termios2 {
    /// The older structure.
    pub base: Termios,
    /// Input speed in baud.
    pub input_speed: u32,
    /// Output speed in baud.
    pub output_speed: u32,
}

/// `struct termio` (`TCGETA`), of System V: the lower halves of the flags and the first control characters.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termio {
    /// Input modes.
    pub input: u16,
    /// Output modes.
    pub output: u16,
    /// Control modes.
    pub control: u16,
    /// Local modes.
    pub local: u16,
    /// Line discipline.
    pub line: u8,
    /// Control characters.
    pub characters: [u8; 8],
    /// Unused.
    pub padding: u8,
}

/// `struct winsize`.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Winsize {
    /// Rows of characters.
    pub rows: u16,
    /// Columns of characters.
    pub columns: u16,
    /// Width in pixels.
    pub x_pixels: u16,
    /// Height in pixels.
    pub y_pixels: u16,
}

const _: () = {
    assert!(size_of::<Termios>() == 36);
    assert!(size_of::<Termio>() == 18);
    assert!(size_of::<Termios2>() == 44);
    assert!(size_of::<Winsize>() == 8);
};
