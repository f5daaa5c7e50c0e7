//! Trace records and counters as the kernel writes them and the tool reads them.
//!
//! A [`Record`] is [`RECORD_WORDS`] little-endian 64-bit words: the raw clock, a [head](Head) and up to [`MAX_ARGUMENTS`]
//! arguments, each a full word: nothing is cut to fit. What an argument means is told once, in the probe's description
//! ([`ArgumentKind`]), not in each record. Clock ticks are converted by whoever reads, with the frequency that the
//! `/proc/trace/buffer` header and the first `Trace` frame carry.
//!
//! [`Counter`] is the one list of counters, so that names and order are the same in the kernel, the tool and the documents.

/// Version of the record layout; told by the header of every dump.
pub const VERSION: u32 = 1;
/// Words of a record: clock, head, arguments.
pub const RECORD_WORDS: usize = 2 + MAX_ARGUMENTS;
/// Most arguments a probe may have: a system call's number and its six arguments.
pub const MAX_ARGUMENTS: usize = 7;
/// Records each CPU's ring keeps.
pub const RING_RECORDS: usize = 1024;

/// What stands in a record's second word: which probe fired, where, for whom, with how many arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Provider in the high byte, probe in the low byte.
    pub probe: u16,
    /// The CPU it fired on.
    pub cpu: u8,
    /// Words of arguments that count.
    pub arguments: u8,
    /// The kernel's number of the thread that ran (low 32 bits); 0 before the first thread.
    pub thread: u32,
}

impl Head {
    /// As a word.
    pub const fn pack(self) -> u64 {
        self.probe as u64 | (self.cpu as u64) << 16 | (self.arguments as u64) << 24 | (self.thread as u64) << 32
    }
    /// From a word.
    pub const fn unpack(word: u64) -> Head {
        // CAST: each takes its own bits of the word.
        Head { probe: word as u16, cpu: (word >> 16) as u8, arguments: (word >> 24) as u8, thread: (word >> 32) as u32 }
    }
}

/// One event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Raw clock.
    pub ticks: u64,
    /// Which probe, where, for whom.
    pub head: Head,
    /// The arguments; those beyond `head.arguments` are meaningless.
    pub arguments: [u64; MAX_ARGUMENTS],
}

impl Record {
    /// From the words of a ring's slot.
    pub fn from_words(words: &[u64; RECORD_WORDS]) -> Record {
        let [ticks, head, arguments @ ..] = *words;
        Record { ticks, head: Head::unpack(head), arguments }
    }
    /// The arguments that count.
    pub fn values(&self) -> &[u64] {
        &self.arguments[..usize::from(self.head.arguments).min(MAX_ARGUMENTS)]
    }
}

/// How to show an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ArgumentKind {
    /// A number.
    Unsigned,
    /// A number with a sign.
    Signed,
    /// An address or bits: hexadecimal.
    Hex,
    /// 0 or 1.
    Bool,
}

impl ArgumentKind {
    /// The kind with this number, as a description of a probe carries it.
    pub const fn from_u8(number: u8) -> Option<ArgumentKind> {
        Some(match number {
            0 => ArgumentKind::Unsigned,
            1 => ArgumentKind::Signed,
            2 => ArgumentKind::Hex,
            3 => ArgumentKind::Bool,
            _ => return None,
        })
    }
    /// The kind's name in `/proc/trace/events`.
    pub const fn name(self) -> &'static str {
        match self {
            ArgumentKind::Unsigned => "unsigned",
            ArgumentKind::Signed => "signed",
            ArgumentKind::Hex => "hex",
            ArgumentKind::Bool => "bool",
        }
    }
}

/// How far a name or its data may be relied on (the DTrace guide's words).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stability {
    /// Changes only with notice.
    Stable,
    /// May change with any version.
    Evolving,
    /// An implementation detail.
    Private,
}

impl Stability {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Stability::Stable => "stable",
            Stability::Evolving => "evolving",
            Stability::Private => "private",
        }
    }
}

/// Declares [`Counter`]: variant, name, meaning.
macro_rules! counters {
    ($($variant:ident $name:literal $meaning:literal;)*) => {
        /// A per-CPU counter, always on.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum Counter { $(#[doc = $meaning] $variant),* }

        impl Counter {
            /// Every counter, in order; a counter's place here is its number.
            pub const ALL: &'static [Counter] = &[$(Counter::$variant),*];
            /// Its name in `/proc/trace/counters`.
            pub const fn name(self) -> &'static str {
                match self { $(Counter::$variant => $name),* }
            }
            /// What it counts.
            pub const fn meaning(self) -> &'static str {
                match self { $(Counter::$variant => $meaning),* }
            }
        }
    };
}

counters! {
    Syscalls "syscall_total" "System calls made.";
    SyscallsUnknown "syscall_enosys" "System calls answered with ENOSYS.";
    SyscallsRestarted "syscall_restarted" "System calls restarted after a signal.";
    SignalsSent "signal_sent" "Signals made pending.";
    SignalsHandled "signal_handled" "Signal handlers entered.";
    ProcessesForked "process_forked" "Processes made by fork, vfork and clone.";
    ThreadsCloned "process_cloned_threads" "Threads made by clone.";
    ProcessesExecuted "process_executed" "Programs started by execve.";
    ProcessesEnded "process_ended" "Processes ended.";
    Switches "sched_switch" "Switches from one thread to another.";
    SwitchesVoluntary "sched_switch_voluntary" "Switches because the thread went to sleep, yielded or ended.";
    SwitchesPreempted "sched_switch_preempted" "Switches because the thread was preempted.";
    Wakeups "sched_wakeup" "Sleeping threads made runnable.";
    ThreadMigrations "sched_migration" "Threads moved to another CPU.";
    IdleEntries "sched_idle" "Times a CPU went idle.";
    SpaceSwitches "sched_space_switch" "Page-table roots loaded.";
    Interrupts "irq_total" "Interrupts taken, of every kind.";
    InterruptsDevice "irq_device" "Device interrupts.";
    InterruptsSpurious "irq_spurious" "Interrupts nobody had asked for.";
    TimerInterrupts "irq_timer" "Timer interrupts.";
    TimersExpired "timer_expired" "Timers that expired.";
    IpisSent "ipi_sent" "Interrupts sent to other CPUs.";
    IpisReschedule "ipi_reschedule" "Reschedule interrupts received.";
    IpisShootdown "ipi_shootdown" "TLB shootdown interrupts received.";
    Shootdowns "tlb_shootdown" "Times other CPUs were told to forget translations.";
    TlbPageFlushes "tlb_flush_page" "Single translations flushed.";
    TlbSpaceFlushes "tlb_flush_space" "Whole address spaces flushed.";
    FaultsUser "fault_user" "Page faults of programs.";
    FaultsCopy "fault_user_copy" "Page faults taken in copies between kernel and user memory.";
    FaultsBlock "fault_block" "Faults that gave a block of 2 MiB.";
    FaultsAnonymous "fault_anonymous" "Faults that gave an anonymous page of zeros.";
    FaultsFile "fault_file" "Faults that mapped pages of a file.";
    FaultsAround "fault_around" "Pages of files mapped beside the one that faulted.";
    FaultsCow "fault_cow_copy" "Write faults that copied a page.";
    FaultsCowInPlace "fault_cow_in_place" "Write faults in which the sole owner got its page back writable.";
    FaultsSpurious "fault_spurious" "Faults that found the page already there.";
    FaultsFatal "fault_fatal" "Faults that ended in SIGSEGV or SIGBUS.";
    StackGrowths "fault_stack_growth" "Faults that grew a stack.";
    Exceptions "fault_exception" "Faults other than page faults.";
    PagesReadIn "page_read_in" "Pages of files read into the page cache.";
    PagesReclaimed "page_reclaimed" "Pages of files dropped for want of memory.";
    OutOfMemoryKills "oom_kill" "Processes killed for want of memory.";
    PageCacheHits "page_cache_hit" "Look-ups that found their page in the page cache.";
    FramesAllocated "frame_allocated" "Frames allocated.";
    FramesFreed "frame_freed" "Frames freed.";
    FrameAllocationsFailed "frame_allocation_failed" "Times no frame was free.";
    MemoryMaps "memory_map" "Mappings made by mmap and brk.";
    MemoryUnmaps "memory_unmap" "Mappings removed.";
    FutexWaits "futex_wait" "Threads that went to sleep on a futex.";
    FutexWakes "futex_wake" "Threads woken from a futex.";
    LockContentions "lock_contended" "Sleeping locks found taken.";
    SpinContentions "lock_spin_contended" "Spin locks found taken.";
    PathLookups "path_lookup" "Path components looked up.";
    PathCacheHits "path_cache_hit" "Path components found in the entry cache.";
    FilesOpened "file_opened" "Open file descriptions made.";
    BytesRead "file_bytes_read" "Bytes given by read calls.";
    BytesWritten "file_bytes_written" "Bytes taken by write calls.";
    PipeBytes "pipe_bytes" "Bytes that went through pipes.";
    ConsoleBytesOut "console_bytes_out" "Bytes the programs wrote to the host.";
    ConsoleBytesIn "console_bytes_in" "Bytes that came from the host.";
    ConsoleBatches "console_batches" "Buffers handed to the console device.";
    ConsoleWaits "console_waits" "Times a writer slept because the host did not keep up.";
    VirtioNotifications "virtio_notify" "Notifications sent to devices.";
    VirtioInterrupts "virtio_interrupt" "Interrupts from virtio devices.";
    VirtioErrors "virtio_error" "Things a device did that the specification does not allow.";
    LogLines "log_lines" "Lines recorded in the kernel's log.";
    StuckTasks "watchdog_stuck" "Reports of stuck tasks or CPUs.";
    TraceDropped "trace_dropped" "Records that found no ring (before the rings exist).";
}

/// Number of counters.
pub const COUNTERS: usize = Counter::ALL.len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_survive_the_trip() {
        let head = Head { probe: 0x0302, cpu: 63, arguments: 7, thread: 0xdead_beef };
        assert_eq!(Head::unpack(head.pack()), head);
    }

    #[test]
    fn counters_have_their_own_names_and_places() {
        for (i, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, i);
            assert!(Counter::ALL[..i].iter().all(|other| other.name() != counter.name()), "{}", counter.name());
        }
    }

    #[test]
    fn a_record_shows_only_the_arguments_it_has() {
        let head = Head { probe: 1, cpu: 0, arguments: 2, thread: 1 };
        let mut words = [9; RECORD_WORDS];
        words[1] = head.pack();
        let record = Record::from_words(&words);
        assert_eq!((record.ticks, record.values()), (9, &[9u64, 9][..]));
    }
}
