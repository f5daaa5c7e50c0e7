//! The first serial port (16550 at 0x3f8), written without locks.

/// Sets the line up.
pub(crate) fn init_early() {
    todo!()
}
/// Writes bytes, waiting for the transmitter.
pub(crate) fn write(_bytes: &[u8]) {
    todo!()
}
