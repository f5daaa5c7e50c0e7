//! What a process and its waited-for children have used.
use super::Process;
use super::io_count::IoCount;
use super::table;
use abi::{Rusage, Timeval};
use machine::thread::{CurrentThread, Thread};

/// Sums.
#[derive(Clone, Copy, Default, Debug)]
pub struct Usage {
    /// CPU time in user mode.
    pub user_ns: u64,
    /// CPU time in the kernel.
    pub kernel_ns: u64,
    /// Times asleep.
    pub voluntary_switches: u64,
    /// Times preempted.
    pub involuntary_switches: u64,
    /// Page faults served.
    pub faults: u64,
    /// Largest resident set, in KiB.
    pub max_resident_kib: u64,
    /// Read and written by calls.
    pub io: IoCount,
}

impl Usage {
    /// What a thread has used.
    pub fn of_thread(thread: &Thread) -> Usage {
        let time = thread.cpu_time();
        let (voluntary_switches, involuntary_switches) = thread.switches();
        Usage {
            user_ns: time.user_ns,
            kernel_ns: time.kernel_ns,
            voluntary_switches,
            involuntary_switches,
            ..Usage::default()
        }
    }
    /// Both together.
    pub fn add(&mut self, other: &Usage) {
        self.user_ns += other.user_ns;
        self.kernel_ns += other.kernel_ns;
        self.voluntary_switches += other.voluntary_switches;
        self.involuntary_switches += other.involuntary_switches;
        self.faults += other.faults;
        self.max_resident_kib = self.max_resident_kib.max(other.max_resident_kib);
        self.io.add(&other.io);
    }
    /// In Linux's form.
    pub fn to_rusage(&self) -> Rusage {
        // CAST: counts far below 2^63.
        Rusage {
            user_time: Timeval::from_ns(self.user_ns),
            system_time: Timeval::from_ns(self.kernel_ns),
            max_resident_kib: self.max_resident_kib as i64,
            minor_faults: self.faults as i64,
            voluntary_switches: self.voluntary_switches as i64,
            involuntary_switches: self.involuntary_switches as i64,
            ..Rusage::default()
        }
    }
    /// User and kernel time in clock ticks of 10 ms.
    pub const fn ticks(&self) -> (u64, u64) {
        (self.user_ns / 10_000_000, self.kernel_ns / 10_000_000)
    }
}

/// What a process has used by its threads, live and ended.
pub fn of_process(cx: &CurrentThread, process: &Process) -> Usage {
    let mut usage = process.ended_threads_usage();
    for task in table::tasks_of(cx, process.pid()) {
        if let Some(thread) = task.thread() {
            usage.add(&Usage { io: task.io.count(), ..Usage::of_thread(&thread) });
        }
    }
    usage
}
