//! When the kernel fails: the panic path and the watchdog. It takes no lock, allocates nothing, stops on
//! recursion, halts the other CPUs and leaves an epitaph: registers, backtrace with symbols, CPU, thread,
//! held locks, the last trace events of each CPU, counters.
