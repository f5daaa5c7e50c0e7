//! Extended attributes: names with values that a file carries along, beside its contents.
//!
//! Main type: [`ExtendedAttributes`], kept by inodes of file systems that have them. Who may see and change which name is
//! judged by [`check`] and [`Namespace`]. Called by the calls on them (`syscall::extended_attributes`).
use super::inode::{FileKind, InodeBase};
use super::permission::{self, READ, STICKY, WRITE};
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::task::{Capability, Credentials};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::{Once, SpinLock};
use machine::thread::CurrentThread;

/// Longest name (XATTR_NAME_MAX).
pub const MOST_NAME_BYTES: usize = 255;
/// Longest value, and longest list of names (XATTR_SIZE_MAX, XATTR_LIST_MAX).
pub const MOST_BYTES: usize = 65_536;
/// Most bytes of names and values of one file: they lie in the kernel's heap.
// LINUX: in memory only the count of a tmpfs's inodes bounds them.
const MOST_IN_FILE: usize = 2 * MOST_BYTES;

/// Whose a name is, by its first word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Namespace {
    /// Programs': goes by the file's permissions.
    User,
    /// The superuser's.
    Trusted,
    /// Of security modules, of which there are none: everybody may read, the superuser may write.
    Security,
    /// Not kept by any file system here: access control lists, and words nobody knows.
    Other,
}

impl Namespace {
    /// The namespace of a name.
    pub fn of(name: &[u8]) -> Namespace {
        match name {
            // Rights that a program would get by exec: not kept, because they would have no effect.
            b"security.capability" => Namespace::Other,
            _ if name.starts_with(b"user.") => Namespace::User,
            _ if name.starts_with(b"trusted.") => Namespace::Trusted,
            _ if name.starts_with(b"security.") => Namespace::Security,
            _ => Namespace::Other,
        }
    }
}

/// Whether `who` may read (or change, if `writes`) the attribute `name` of a file, by Linux's rules.
pub fn check(cx: &CurrentThread, who: &Credentials, base: &InodeBase, name: &[u8], writes: bool) -> Result<()> {
    let refusal = Err(if writes { Errno::EPERM } else { Errno::ENODATA });
    match Namespace::of(name) {
        Namespace::Security if writes && !who.may(Capability::Admin) => return Err(Errno::EPERM),
        Namespace::Security => return Ok(()),
        Namespace::Trusted if !who.may(Capability::Admin) => return refusal,
        Namespace::Trusted => return Ok(()),
        Namespace::User if !matches!(base.kind, FileKind::Regular | FileKind::Directory) => return refusal,
        Namespace::User if writes && base.kind == FileKind::Directory => {
            let attributes = base.attributes(cx);
            if attributes.permissions & STICKY != 0 && !permission::is_owner(who, &attributes) {
                return Err(Errno::EPERM);
            }
        }
        Namespace::User | Namespace::Other => {}
    }
    permission::check(cx, who, base, if writes { WRITE } else { READ })
}

/// Whether what is there may be replaced, or must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetMode {
    /// EEXIST if it is there (XATTR_CREATE).
    pub must_create: bool,
    /// ENODATA if it is not (XATTR_REPLACE).
    pub must_replace: bool,
}

struct Entry {
    name: Vec<u8>,
    value: Arc<Vec<u8>>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.name.len() + self.value.len()
    }
}

/// The attributes of one file.
#[derive(Default)]
pub struct ExtendedAttributes {
    /// Made when the first is set: few files have any.
    entries: Once<Box<SpinLock<Vec<Entry>>>>,
}

/// EOPNOTSUPP for names that are not kept, EINVAL for those without a second word.
fn judge(name: &[u8]) -> Result<()> {
    match Namespace::of(name) {
        Namespace::Other => Err(Errno::EOPNOTSUPP),
        _ if name.ends_with(b".") && name.iter().filter(|&&byte| byte == b'.').count() == 1 => Err(Errno::EINVAL),
        _ => Ok(()),
    }
}

impl ExtendedAttributes {
    /// A value. ENODATA if there is none.
    pub fn get(&self, cx: &CurrentThread, name: &[u8]) -> Result<Arc<Vec<u8>>> {
        judge(name)?;
        let entries = self.entries.get().ok_or(Errno::ENODATA)?.lock(cx);
        entries.iter().find(|entry| entry.name == name).map(|entry| entry.value.clone()).ok_or(Errno::ENODATA)
    }

    /// Sets a value.
    pub fn set(&self, cx: &CurrentThread, name: Vec<u8>, value: Vec<u8>, mode: SetMode) -> Result<()> {
        judge(&name)?;
        let new = Entry { name, value: Arc::new(value) };
        let old = {
            let empty = || Box::new(SpinLock::new(&lock_order::EXTENDED_ATTRIBUTES, Vec::new()));
            let mut entries = self.entries.call_once(empty).lock(cx);
            let at = entries.iter().position(|entry| entry.name == new.name);
            let held: usize = entries.iter().map(Entry::bytes).sum();
            let freed = at.map_or(0, |at| entries[at].bytes());
            match at {
                Some(_) if mode.must_create => return Err(Errno::EEXIST),
                None if mode.must_replace => return Err(Errno::ENODATA),
                _ if held - freed + new.bytes() > MOST_IN_FILE => return Err(Errno::ENOSPC),
                Some(at) => Some(core::mem::replace(&mut entries[at], new)),
                None => {
                    entries.try_reserve(1)?;
                    entries.push(new);
                    None
                }
            }
        };
        drop(old);
        Ok(())
    }

    /// Takes a value away. ENODATA if there is none.
    pub fn remove(&self, cx: &CurrentThread, name: &[u8]) -> Result<()> {
        judge(name)?;
        let old = {
            let mut entries = self.entries.get().ok_or(Errno::ENODATA)?.lock(cx);
            let at = entries.iter().position(|entry| entry.name == name).ok_or(Errno::ENODATA)?;
            entries.remove(at)
        };
        drop(old);
        Ok(())
    }

    /// All names that `who` may know, each with a zero behind it.
    pub fn list(&self, cx: &CurrentThread, who: &Credentials) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let Some(entries) = self.entries.get() else { return Ok(text) };
        // Names added meanwhile are left out.
        text.try_reserve(entries.lock(cx).iter().map(|entry| entry.name.len() + 1).sum())?;
        let room = text.capacity();
        for entry in entries.lock(cx).iter() {
            let is_told = who.may(Capability::Admin) || Namespace::of(&entry.name) != Namespace::Trusted;
            if is_told && text.len() + entry.name.len() < room {
                text.extend_from_slice(&entry.name);
                text.push(0);
            }
        }
        Ok(text)
    }
}
