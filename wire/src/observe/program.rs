//! Numbers of a trace program's own events, in records: no provider has them.

/// Number of a trace program's first event in records: it begins.
pub const BEGIN: u16 = 0xfe01;
/// It ends.
pub const END: u16 = 0xfe02;
/// The first of its ticks; the others follow.
pub const TICK: u16 = 0xfe10;
/// It asked for the end of the run, with this status.
pub const EXIT: u16 = 0xfd00;
/// Records of these numbers, up to [`OUTPUT_LAST`], are a trace program's outputs.
pub const OUTPUT: u16 = 0xf000;
/// The last of them.
pub const OUTPUT_LAST: u16 = OUTPUT + 0x7ff;
