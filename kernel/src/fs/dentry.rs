//! Names: the tree of directory entries in memory, and the hash table by which a path walk finds the next one.
//!
//! Main types: [`Dentry`], a name in a directory with the inode it stands for (or the knowledge that there is none);
//! the cache behind [`Dentry::cached`], [`remember`] and [`forget`]. Called by [`super::walk`] and [`super::names`].
//!
//! # Invariants
//! - A directory has at most one live dentry: an entry leaves the cache only when nobody else holds it.
//! - A dentry's inode never changes. Creating a file under a negative entry replaces the entry.
//! - Additions and removals for one directory happen under that directory's lock ([`Dentry::children`]) or under its file
//!   system's rename lock for writing; look-ups take only the spin lock of one bucket.
use super::inode::Inode;
use super::notify;
use crate::errno::Result;
use crate::lock_order;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use machine::sync::{Mutex, SpinLock};
use machine::thread::CurrentThread;

/// Buckets of the cache.
const BUCKETS: usize = 1024;
/// Entries of a bucket above which unused ones are given up.
const BUCKET_ENTRIES: usize = 16;

/// Where a dentry is; changes at a rename.
#[derive(Clone)]
struct Place {
    parent: Option<Arc<Dentry>>,
    name: Arc<[u8]>,
}

/// A name in a directory.
pub struct Dentry {
    inode: Option<Arc<dyn Inode>>,
    place: SpinLock<Place>,
    /// Something is mounted here.
    is_mount_point: AtomicBool,
    /// The name was removed while the dentry was in use.
    is_removed: AtomicBool,
    /// Serialises changes of a directory's names and look-ups that miss the cache.
    pub(super) children: Mutex<()>,
}

impl Dentry {
    fn new(parent: Option<Arc<Dentry>>, name: Arc<[u8]>, inode: Option<Arc<dyn Inode>>) -> Arc<Dentry> {
        Arc::new(Dentry {
            inode,
            place: SpinLock::new(&lock_order::DENTRY, Place { parent, name }),
            is_mount_point: AtomicBool::new(false),
            is_removed: AtomicBool::new(false),
            children: Mutex::new(&lock_order::DIRECTORY, ()),
        })
    }

    /// The root of a file system, or a file without a name in any directory (a pipe); `name` is shown in listings.
    pub fn new_root(name: &[u8], inode: Arc<dyn Inode>) -> Arc<Dentry> {
        Dentry::new(None, Arc::from(name), Some(inode))
    }

    /// An entry that is not put into the cache.
    pub fn new_child(parent: &Arc<Dentry>, name: &[u8], inode: Option<Arc<dyn Inode>>) -> Arc<Dentry> {
        Dentry::new(Some(parent.clone()), Arc::from(name), inode)
    }

    /// The inode, `None` if the name is known not to exist.
    pub fn inode(&self) -> Option<&Arc<dyn Inode>> {
        self.inode.as_ref()
    }

    /// The directory it is in; `None` for a root.
    pub fn parent(&self, cx: &CurrentThread) -> Option<Arc<Dentry>> {
        self.place.lock(cx).parent.clone()
    }

    /// Its name now.
    pub fn name(&self, cx: &CurrentThread) -> Arc<[u8]> {
        self.place.lock(cx).name.clone()
    }

    /// Parent and name as one answer.
    pub fn parent_and_name(&self, cx: &CurrentThread) -> (Option<Arc<Dentry>>, Arc<[u8]>) {
        let place = self.place.lock(cx).clone();
        (place.parent, place.name)
    }

    /// The same where there is no token.
    pub(super) fn parent_and_name_as_leaf(&self) -> (Option<Arc<Dentry>>, Arc<[u8]>) {
        self.place.with(|place| (place.parent.clone(), place.name.clone()))
    }

    /// Whether something is mounted on it.
    pub fn is_mount_point(&self) -> bool {
        self.is_mount_point.load(Ordering::Acquire)
    }

    /// Notes whether something is mounted on it.
    pub fn set_mount_point(&self, is_mount_point: bool) {
        self.is_mount_point.store(is_mount_point, Ordering::Release);
    }

    /// Whether its name has been removed.
    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Notes that the name is gone.
    pub(super) fn mark_removed(&self) {
        self.is_removed.store(true, Ordering::Release);
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(self: &Arc<Self>, cx: &CurrentThread, other: &Arc<Dentry>) -> bool {
        let mut at = self.clone();
        loop {
            if Arc::ptr_eq(&at, other) {
                return true;
            }
            match at.parent(cx) {
                Some(parent) => at = parent,
                None => return false,
            }
        }
    }

    /// What the cache knows about `name` in this directory.
    pub fn cached(self: &Arc<Self>, cx: &CurrentThread, name: &[u8]) -> Option<Arc<Dentry>> {
        let key = Key::new(self, name);
        let bucket = key.bucket().lock(cx);
        bucket.iter().find(|entry| entry.is(&key, name)).map(|entry| entry.dentry.clone())
    }

    /// Looks `name` up in the cache, then in the file system. The caller holds the directory's lock or the rename lock
    /// for writing.
    pub(super) fn lookup_locked(self: &Arc<Self>, cx: &mut CurrentThread, name: &[u8]) -> Result<Arc<Dentry>> {
        if let Some(known) = self.cached(cx, name) {
            return Ok(known);
        }
        let Some(directory) = self.inode.clone() else { return Err(crate::errno::Errno::ENOENT) };
        let inode = if self.is_removed() { None } else { directory.lookup(cx, name)? };
        let child = Dentry::new_child(self, name, inode);
        if directory.caches_names() && !self.is_removed() {
            remember(cx, self, child.clone())?;
        }
        Ok(child)
    }
}

impl Drop for Dentry {
    /// Gives up the ancestors in a loop: a chain of removed directories may be longer than the stack is deep.
    fn drop(&mut self) {
        if self.is_removed()
            && let Some(inode) = &self.inode
        {
            notify::name_gone(&**inode);
        }
        let mut parent = self.place.with(|place| place.parent.take());
        while let Some(dentry) = parent {
            let Some(last) = Arc::into_inner(dentry) else { break };
            parent = last.place.with(|place| place.parent.take());
        }
    }
}

/// An entry's address in the table: its directory and a hash of both.
struct Key {
    parent: usize,
    hash: u64,
}

impl Key {
    fn new(parent: &Arc<Dentry>, name: &[u8]) -> Key {
        let parent = Arc::as_ptr(parent) as usize;
        Key { parent, hash: hash(parent, name) }
    }

    fn bucket(&self) -> &'static SpinLock<Vec<Entry>> {
        // CAST: masked to the number of buckets.
        &TABLE[(self.hash >> 32) as usize & (BUCKETS - 1)]
    }
}

struct Entry {
    hash: u64,
    parent: usize,
    name: Arc<[u8]>,
    dentry: Arc<Dentry>,
}

impl Entry {
    fn is(&self, key: &Key, name: &[u8]) -> bool {
        // Byte by byte: names are short, and the hash has decided already but for one case in 2^64.
        self.hash == key.hash
            && self.parent == key.parent
            && self.name.len() == name.len()
            && self.name.iter().zip(name).all(|(mine, other)| mine == other)
    }

    /// Whether only the cache holds the dentry. Stays so while the bucket is locked.
    fn is_unused(&self) -> bool {
        Arc::strong_count(&self.dentry) == 1
    }
}

static TABLE: [SpinLock<Vec<Entry>>; BUCKETS] =
    [const { SpinLock::new(&lock_order::DENTRY_BUCKET, Vec::new()) }; BUCKETS];

/// Keeps programs from choosing names that collide.
static SEED: AtomicU64 = AtomicU64::new(0x9e37_79b9_7f4a_7c15);

/// Chooses the hash's seed; once, before the first program runs and before anything is cached.
pub(super) fn seed_hash() {
    let mut seed = [0; 8];
    machine::random::fill(&mut seed);
    SEED.store(u64::from_ne_bytes(seed), Ordering::Relaxed);
}

fn hash(parent: usize, name: &[u8]) -> u64 {
    const FACTOR: u64 = 0xff51_afd7_ed55_8ccd;
    let mut hash = SEED.load(Ordering::Relaxed) ^ parent as u64;
    let mut mix = |word: u64| {
        hash = (hash ^ word).wrapping_mul(FACTOR);
        hash ^= hash >> 32;
    };
    let mut words = name.chunks_exact(8);
    for word in &mut words {
        if let Ok(word) = word.try_into() {
            mix(u64::from_le_bytes(word));
        }
    }
    let tail = words.remainder().iter().fold(name.len() as u64, |tail, &byte| tail << 8 | u64::from(byte));
    mix(tail);
    hash.wrapping_mul(FACTOR)
}

/// Puts `dentry` into the cache as an entry of `parent`, in place of what the name had. The caller holds the directory's
/// lock.
pub(super) fn remember(cx: &CurrentThread, parent: &Arc<Dentry>, dentry: Arc<Dentry>) -> Result<()> {
    let name = dentry.name(cx);
    let key = Key::new(parent, &name);
    // Declared first so that what leaves the table is dropped after the lock.
    let mut replaced = None;
    let evicted;
    {
        let mut bucket = key.bucket().lock(cx);
        if let Some(entry) = bucket.iter_mut().find(|entry| entry.is(&key, &name)) {
            replaced = Some(core::mem::replace(&mut entry.dentry, dentry));
            evicted = None;
        } else {
            bucket.try_reserve(1)?;
            let unused = if bucket.len() >= BUCKET_ENTRIES || !machine::mm::has_room() {
                bucket.iter().position(Entry::is_unused)
            } else {
                None
            };
            evicted = unused.map(|at| bucket.remove(at));
            bucket.push(Entry { hash: key.hash, parent: key.parent, name, dentry });
        }
    }
    drop(replaced);
    drop(evicted);
    Ok(())
}

/// Takes what the cache knows about `name` out. The caller holds the directory's lock.
pub(super) fn forget(cx: &CurrentThread, parent: &Arc<Dentry>, name: &[u8]) {
    let key = Key::new(parent, name);
    let removed = {
        let mut bucket = key.bucket().lock(cx);
        let at = bucket.iter().position(|entry| entry.is(&key, name));
        at.map(|at| bucket.swap_remove(at))
    };
    drop(removed);
}

/// Gives up every entry that only the cache holds, and with it what its inode holds: when memory is short, and when a mount
/// is gone, whose names nobody can ask for any more.
pub fn give_up_unused(cx: &CurrentThread) {
    for bucket in &TABLE {
        loop {
            let unused = {
                let mut bucket = bucket.lock(cx);
                let at = bucket.iter().position(Entry::is_unused);
                at.map(|at| bucket.swap_remove(at))
            };
            let Some(entry) = unused else { break };
            let parent = entry.dentry.parent(cx);
            drop(entry);
            give_up_ancestors(cx, parent);
        }
    }
}

/// Gives up `dentry` and then its ancestors as long as nothing else holds them: an entry pins those above it, which may be
/// in buckets already passed.
fn give_up_ancestors(cx: &CurrentThread, mut dentry: Option<Arc<Dentry>>) {
    while let Some(last) = dentry {
        let (parent, name) = last.parent_and_name(cx);
        let Some(above) = &parent else { break };
        let entry = {
            let mut bucket = Key::new(above, &name).bucket().lock(cx);
            // Held by the cache and by `last`.
            let is_it = |entry: &Entry| Arc::ptr_eq(&entry.dentry, &last) && Arc::strong_count(&last) == 2;
            let at = bucket.iter().position(is_it);
            at.map(|at| bucket.swap_remove(at))
        };
        if entry.is_none() {
            break;
        }
        dentry = parent;
    }
}

/// Moves `dentry` to a new parent and name, in the cache and in itself. The caller holds the locks of both directories.
pub(super) fn move_to(cx: &CurrentThread, dentry: &Arc<Dentry>, parent: &Arc<Dentry>, name: &[u8]) -> Result<()> {
    let (old_parent, old_name) = dentry.parent_and_name(cx);
    if let Some(old_parent) = &old_parent {
        forget(cx, old_parent, &old_name);
    }
    let place = Place { parent: Some(parent.clone()), name: Arc::from(name) };
    let old = core::mem::replace(&mut *dentry.place.lock(cx), place);
    drop(old);
    remember(cx, parent, dentry.clone())
}
