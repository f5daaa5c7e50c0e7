//! What a task has read and written by calls on descriptors: `/proc/PID/io`.
//!
//! Only the task itself counts here, so nothing needs to be atomic but that others may read at any time.
use core::sync::atomic::{AtomicU64, Ordering};

/// Sums.
#[derive(Clone, Copy, Default, Debug)]
pub struct IoCount {
    /// Bytes that read and its like gave.
    pub read_bytes: u64,
    /// Bytes that write and its like took.
    pub written_bytes: u64,
    /// Calls of read and its like, those that failed too.
    pub reads: u64,
    /// Calls of write and its like.
    pub writes: u64,
}

impl IoCount {
    /// Both together.
    pub fn add(&mut self, other: &IoCount) {
        self.read_bytes += other.read_bytes;
        self.written_bytes += other.written_bytes;
        self.reads += other.reads;
        self.writes += other.writes;
    }
}

/// A task's own.
#[derive(Default)]
pub struct IoCounters {
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
}

fn add(sum: &AtomicU64, more: u64) {
    // Only the task itself writes here.
    sum.store(sum.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

impl IoCounters {
    /// The task itself has read so many bytes by one call; 0 if that failed.
    #[inline]
    pub fn note_read(&self, bytes: u64) {
        add(&self.read_bytes, bytes);
        add(&self.reads, 1);
    }
    /// It has written so many bytes by one call.
    #[inline]
    pub fn note_written(&self, bytes: u64) {
        add(&self.written_bytes, bytes);
        add(&self.writes, 1);
    }
    /// The sums so far.
    pub fn count(&self) -> IoCount {
        IoCount {
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            written_bytes: self.written_bytes.load(Ordering::Relaxed),
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
        }
    }
}
