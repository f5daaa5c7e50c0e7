//! Trace rings and per-CPU counters: the mechanism. Probes are declared in `kernel/src/trace`.
