//! Every kind of lock of the kernel and what it protects, in the order in which they may be taken: a lock may be taken
//! only while all held locks have a lower rank. Checked builds compare at each acquire.
//!
//! Sleeping locks come first (they are held while spin locks are taken, never the reverse). Leave gaps; one line a lock.
//! `machine` has its own classes from rank 900 on (wait queues, heap, frames).
use machine::sync::LockClass;

macro_rules! lock_classes {
    ($($(#[doc = $text:literal])* $name:ident = $rank:literal;)*) => {
        $($(#[doc = $text])* pub static $name: LockClass = LockClass { name: stringify!($name), rank: $rank };)*
        /// All of them, for listings.
        pub static ALL: &[&LockClass] = &[$(&$name),*];
    };
}

lock_classes! {
    // Sleeping locks: 100 to 499.
    /// One address space: areas, page table, heap (`mm::space`). Taken by faults, so after every lock that may be held while user
    /// memory is copied.
    ADDRESS_SPACE = 400;

    // Spin locks taken by threads: 500 to 799.
    /// Pid table, process tree, process groups, sessions, wait states (`task::table`).
    TASK_TABLE = 600;
    /// One process: limits, itimers, command line (`task::process`).
    PROCESS = 610;
    /// One task's references to files, fs context, address space, credentials (`task::task`).
    TASK_RESOURCES = 620;
    /// One process's signal actions and every pending set of its tasks (`signal::state`).
    SIGNALS = 640;
    /// One bucket of the futex table (`task::futex`).
    FUTEX = 660;
    /// Host and domain name (`task::host`).
    HOST_NAMES = 690;
    /// Standard input that is not a terminal (`console::input`).
    CONSOLE_INPUT = 680;
    /// A terminal: settings, line being edited, foreground group (`tty`).
    TERMINAL = 684;
    /// Counts of unknown system calls (`syscall::unknown`).
    UNKNOWN_CALLS = 700;

    // Spin locks taken by interrupt handlers too: 800 to 899.
    /// A console port's sending side: buffers and queue (`modules::virtio::port`).
    CONSOLE_PORT_OUT = 800;
    /// A console port's receiving side.
    CONSOLE_PORT_IN = 810;
    /// A simple device's queue (`modules::virtio::rng` and the console's control queues).
    DEVICE_QUEUE = 820;
}
