//! Seals: what nobody may do to a file in memory any more (`memfd_create(2)`, `fcntl(2)` F_ADD_SEALS). Who is handed a sealed file
//! by a stranger can map it and trust that neither its contents nor its size change under his hands.
//!
//! Main types: [`Seals`], a part of every page cache, where writes and mappings find them; [`add`].
//!
//! # Invariants
//! - A seal is never taken back. One that is refused, because somebody has mapped the file to write, stands for the moment of the look.
//! - Writes and changes of the size ask under the inode's write lock, changes of the permissions under the attributes' lock, which
//!   [`add`] holds while it seals.
//! - A mapping asks under its address space's lock, where it is made; the look for such mappings comes after the seal and takes the
//!   same locks, so no mapping is missed. A fork's copy is not made under the child's lock: fork looks once more when the
//!   child can be found, and begins again if the file was sealed meanwhile.
use super::open_file::OpenFile;
use crate::errno::{Errno, Result};
use abi::linux::{F_SEAL_EXEC, F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE};
use core::sync::atomic::{AtomicU32, Ordering};
use machine::addr::PAGE_SIZE;
use machine::thread::CurrentThread;

const KNOWN: u32 = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;
/// Permissions that F_SEAL_EXEC keeps as they are.
const MAY_EXECUTE: u32 = 0o111;

/// The seals of one file.
pub struct Seals(AtomicU32);

impl Seals {
    /// A file that is not to be sealed.
    pub(super) const fn new() -> Seals {
        Seals(AtomicU32::new(F_SEAL_SEAL))
    }

    /// `F_SEAL_*`.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Sets them, of a file that nobody else knows yet.
    pub fn begin_with(&self, seals: u32) {
        self.0.store(seals, Ordering::SeqCst);
    }

    fn has_any(&self, seals: u32) -> bool {
        self.get() & seals != 0
    }

    /// EPERM if the contents may not be changed.
    pub fn check_write(&self) -> Result<()> {
        if self.has_any(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// EPERM if the size may not change so.
    pub fn check_size(&self, old: u64, new: u64) -> Result<()> {
        let is_refused = new < old && self.has_any(F_SEAL_SHRINK) || new > old && self.has_any(F_SEAL_GROW);
        if is_refused { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// EPERM if the permissions may not change so.
    pub fn check_permissions(&self, old: u32, new: u32) -> Result<()> {
        if (old ^ new) & MAY_EXECUTE != 0 && self.has_any(F_SEAL_EXEC) { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// How many of `bytes` bytes may be written at `offset` to a file of `size` bytes; EPERM if none.
    pub(super) fn writable_bytes(&self, size: u64, offset: u64, bytes: usize) -> Result<usize> {
        self.check_write()?;
        if !self.has_any(F_SEAL_GROW) || offset.saturating_add(bytes as u64) <= size {
            return Ok(bytes);
        }
        // LINUX: page by page, and the page that would grow the file not at all.
        let last_page = size & !(PAGE_SIZE as u64 - 1);
        match last_page.checked_sub(offset) {
            None | Some(0) => Err(Errno::EPERM),
            Some(room) => Ok(usize::try_from(room).unwrap_or(usize::MAX)),
        }
    }

    /// Whether nobody may get a mapping by which others see what is written.
    pub fn forbid_shared_writes(&self) -> bool {
        self.has_any(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
    }

    /// Whether there may be no such mapping.
    pub fn forbid_any_shared_writes(&self) -> bool {
        self.has_any(F_SEAL_WRITE)
    }
}

/// Adds seals. EPERM if the file was not opened to be written or is sealed against more, EINVAL if it has no seals, EBUSY if it is to
/// be sealed against writing and somebody has mapped it to write.
pub fn add(cx: &mut CurrentThread, open: &OpenFile, wanted: u32) -> Result<()> {
    if !open.is_writable() {
        return Err(Errno::EPERM);
    }
    let cache = open.page_cache().filter(|_| wanted & !KNOWN == 0).ok_or(Errno::EINVAL)?;
    let seals = cache.seals();
    let base = open.inode().base();
    let _writer = base.write_lock.lock(cx);
    let old = seals.get();
    if old & F_SEAL_SEAL != 0 {
        return Err(Errno::EPERM);
    }
    let wanted = base.update(cx, |attributes| {
        // LINUX: what can be executed, and is to stay so, is not to be written.
        let is_program = wanted & F_SEAL_EXEC != 0 && attributes.permissions & MAY_EXECUTE != 0;
        let implied = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
        let wanted = if is_program { wanted | implied } else { wanted };
        seals.begin_with(old | wanted);
        wanted
    });
    if wanted & !old & F_SEAL_WRITE != 0 && cache.is_mapped_to_write(cx) {
        seals.begin_with(old);
        return Err(Errno::EBUSY);
    }
    Ok(())
}
