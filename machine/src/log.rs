//! The kernel's log: levels, a ring kept in memory (`/dev/kmsg`, the epitaph), and the early console.
//! For people, rare, never on a hot path. Lines go to the ring always and to the UART when it is the log's place.

/// How much a line matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Milestones.
    Info,
    /// For developers.
    Debug,
}

/// Records one line. Use [`log!`](crate::log!).
pub fn record(_level: Level, _module: &str, _text: core::fmt::Arguments<'_>) {
    todo!()
}

/// Writes bytes to the early console (UART), without locks; for boot marks, the epitaph and dumps.
pub fn early_write(_bytes: &[u8]) {
    todo!()
}

/// Copies the log ring's bytes from `position` on into `out`; answers how many, and the position after them.
/// A position that has been overwritten is moved to the oldest byte kept.
pub fn read(_position: u64, _out: &mut [u8]) -> (usize, u64) {
    todo!()
}

/// `log!(Level, "text {}", value)`: one line, prefixed with its module.
#[macro_export]
macro_rules! log {
    ($level:ident, $($arg:tt)*) => {
        $crate::log::record($crate::log::Level::$level, module_path!(), format_args!($($arg)*))
    };
}
