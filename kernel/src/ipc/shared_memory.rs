//! Segments of shared memory: files in memory that are mapped by identifier.
//!
//! Main type: [`Segment`]. Called by `syscall::shared_memory`.
//!
//! # Invariants
//! Every mapping holds the segment's open file, and the segment holds it once more until it is removed; so the number of mappings is
//! the number of those references, and a removed segment's memory goes with the last mapping, whoever lets go of it.
use super::object::Objects;
use crate::errno::Result;
use crate::fs::dentry::Dentry;
use crate::fs::{Inode, OpenFile, Path, path, tmpfs};
use crate::lock_order;
use crate::task::Pid;
use crate::timer::wall_clock_ns;
use abi::linux::O_RDWR;
use alloc::format;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU32};
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

/// Most segments.
pub const MOST_SEGMENTS: usize = 4096;

/// A segment's file: held, or (once it is removed) only known.
struct Place {
    held: Option<Arc<OpenFile>>,
    known: Weak<OpenFile>,
}

/// A segment.
pub struct Segment {
    /// Bytes, as asked for.
    pub bytes: usize,
    /// Who made it.
    pub maker: Pid,
    /// Who mapped or unmapped it last.
    pub last: AtomicU32,
    /// Last mapped, in seconds.
    pub attach_time: AtomicI64,
    /// Last unmapped by `shmdt`.
    pub detach_time: AtomicI64,
    /// Last changed.
    pub change_time: AtomicI64,
    /// SHM_LOCK: told, and true of all memory here.
    pub is_locked: AtomicBool,
    file: SpinLock<Place>,
}

/// All segments.
pub static SEGMENTS: Objects<Segment> = Objects::new(MOST_SEGMENTS);

/// Seconds since 1970.
pub fn now_seconds() -> i64 {
    // CAST: they fit.
    (wall_clock_ns() / 1_000_000_000) as i64
}

impl Segment {
    /// A segment of `bytes` zeros.
    pub fn new(cx: &mut CurrentThread, key: i32, bytes: usize, permissions: u32, maker: Pid) -> Result<Segment> {
        let inode = tmpfs::unnamed_file(permissions & 0o777);
        inode.clone().truncate(cx, bytes as u64)?;
        let file = open(cx, key, inode)?;
        let known = Arc::downgrade(&file);
        let place = Place { held: Some(file), known };
        Ok(Segment {
            bytes,
            maker,
            last: AtomicU32::new(0),
            attach_time: AtomicI64::new(0),
            detach_time: AtomicI64::new(0),
            change_time: AtomicI64::new(now_seconds()),
            is_locked: AtomicBool::new(false),
            file: SpinLock::new(&lock_order::IPC_STATE, place),
        })
    }

    /// The file to map; `None` if it is removed and gone.
    pub fn file(&self) -> Option<Arc<OpenFile>> {
        self.file.with(|place| place.held.clone().or_else(|| place.known.upgrade()))
    }

    /// How often it is mapped.
    pub fn attached(&self) -> usize {
        self.file.with(|place| place.known.strong_count() - usize::from(place.held.is_some()))
    }

    /// Pages present.
    pub fn resident_pages(&self) -> usize {
        self.file().and_then(|file| file.page_cache().map(|cache| cache.resident_pages())).unwrap_or(0)
    }

    /// Lets go of the file: it stays as long as it is mapped.
    pub fn remove(&self) {
        let held = self.file.with(|place| place.held.take());
        drop(held);
    }

    /// Whether `file` is this segment's.
    pub fn is_of(&self, file: &Arc<OpenFile>) -> bool {
        self.file.with(|place| core::ptr::eq(place.known.as_ptr(), Arc::as_ptr(file)))
    }
}

/// An open file with the name that /proc/PID/maps shows.
fn open(cx: &mut CurrentThread, key: i32, inode: Arc<dyn Inode>) -> Result<Arc<OpenFile>> {
    let name = format!("/SYSV{key:08x} (deleted)");
    let dentry = Dentry::new_root(name.as_bytes(), inode.clone());
    let path = Path { mount: path::internal_mount().clone(), dentry };
    let file = inode.clone().open(cx, O_RDWR)?;
    Ok(OpenFile::new(path, inode, file, O_RDWR))
}

/// Takes removed segments that nobody maps out of the table.
pub fn forget_gone() {
    let mut place = 0;
    while let Some((next, segment)) = SEGMENTS.next(place) {
        place = next;
        if segment.is_removed() && segment.body.attached() == 0 {
            SEGMENTS.forget(&segment);
        }
    }
}
