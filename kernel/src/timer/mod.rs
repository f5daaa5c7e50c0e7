//! Clocks, and timers that send signals.
//!
//! | file | idea |
//! |---|---|
//! | `clock` | the clocks programs name, and what happens when the wall clock is set |
//! | `cpu` | timers that CPU time makes expire: `setitimer`, the limit of CPU time, POSIX timers |
//! | `expiry` | the thread that serves timers whose expiry cannot be served in an interrupt |
//! | `interval` | `setitimer` by real time |
//! | `posix` | one POSIX timer (`timer_create`) |
//! | `posix_table` | the POSIX timers of a process |
//!
//! Timers that are read as files are in `fs::timer_fd`.
pub mod clock;
pub mod cpu;
pub mod expiry;
pub mod interval;
pub mod posix;
pub mod posix_table;

pub use clock::wall_clock_ns;
