//! When the kernel fails: the panic path and the watchdog. It takes no lock, allocates nothing, stops on
//! recursion, halts the other CPUs and leaves an epitaph: registers, backtrace with symbols, CPU, thread,
//! held locks, the last trace events of each CPU, counters.

/// A trap of the kernel itself that has no cure, as the architecture saw it.
#[allow(dead_code)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrapReport<'a> {
    /// The trap's name.
    pub(crate) what: &'static str,
    /// Error code or syndrome.
    pub(crate) code: u64,
    /// The address concerned (CR2, FAR), if there is one.
    pub(crate) addr: Option<u64>,
    /// Program counter.
    pub(crate) pc: usize,
    /// Stack pointer.
    pub(crate) sp: usize,
    /// Frame pointer, to walk from.
    pub(crate) frame_pointer: usize,
    /// Every register by name.
    pub(crate) registers: &'a [(&'static str, u64)],
}

/// Ends the machine after a trap of the kernel.
#[allow(dead_code)]
pub(crate) fn fatal_trap(_report: &TrapReport<'_>) -> ! {
    todo!()
}
