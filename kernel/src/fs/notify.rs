//! Telling watchers what happens to files: the places where it happens call here, [`super::inotify`] listens.
//!
//! Main items: the functions named after what happened; [`Watchers`], an inode's list of those who watch it. What happens to a file
//! is told to the watchers of the directory that has its name, with the name, and then to its own. While nobody watches
//! anything, each call here is one load.
//!
//! # Locks
//! `WATCHERS` around one inode's list; under it an inotify instance's queue. Called with sleeping locks held and in
//! destructors, never with a spin lock of rank above `WATCHERS`.
use super::dentry::Dentry;
use super::inode::{FileKind, Inode, InodeBase};
use super::inotify::Watch;
use super::open_file::OpenFile;
use crate::errno::Result;
use crate::lock_order;
use abi::linux::{
    IN_ACCESS, IN_ATTRIB, IN_CLOSE_NOWRITE, IN_CLOSE_WRITE, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_EXCL_UNLINK,
    IN_ISDIR, IN_MODIFY, IN_MOVE_SELF, IN_MOVED_FROM, IN_MOVED_TO, IN_OPEN, IN_UNMOUNT,
};
use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use machine::sync::{Once, SpinLock};

/// Watches that exist.
static WATCHES: AtomicUsize = AtomicUsize::new(0);

/// Whether anybody watches anything.
#[inline(always)]
fn is_anybody_there() -> bool {
    WATCHES.load(Ordering::Relaxed) != 0
}

/// Who watches an inode.
#[derive(Default)]
pub struct Watchers(Once<Box<SpinLock<Vec<Weak<Watch>>>>>);

impl Watchers {
    /// Adds one; it is to be removed again.
    pub(super) fn add(&self, watch: &Arc<Watch>) -> Result<()> {
        let list = self.0.call_once(|| Box::new(SpinLock::new(&lock_order::WATCHERS, Vec::new())));
        list.with(|list| -> Result<()> {
            list.try_reserve(1)?;
            list.push(Arc::downgrade(watch));
            Ok(())
        })?;
        WATCHES.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Removes one that was added.
    pub(super) fn remove(&self, watch: &Watch) {
        let Some(list) = self.0.get() else { return };
        let removed = list.with(|list| {
            let at = list.iter().position(|known| core::ptr::eq(known.as_ptr(), watch))?;
            Some(list.swap_remove(at))
        });
        if removed.is_some() {
            WATCHES.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Tells each. `is_named_still` is false for what happens to a child whose name was removed.
    fn tell(&self, event: u32, name: &[u8], cookie: u32, is_named_still: bool) {
        let Some(list) = self.0.get() else { return };
        let has_spent = list.with(|list| {
            list.iter().filter_map(Weak::upgrade).fold(false, |has_spent, watch| {
                let is_wanted = is_named_still || !watch.has(IN_EXCL_UNLINK);
                (is_wanted && watch.tell(event, name, cookie)) || has_spent
            })
        });
        // Taken away outside the lock: with the last watch its inotify's hold of the inode goes.
        while has_spent
            && let Some(watch) = list.with(|list| list.iter().filter_map(Weak::upgrade).find(|watch| watch.is_spent()))
        {
            watch.take_away();
        }
    }

    /// Ends every watch, after a last event.
    fn end(&self, event: u32) {
        self.tell(event, b"", 0, true);
        let Some(list) = self.0.get() else { return };
        while let Some(watch) = list.with(|list| list.iter().find_map(Weak::upgrade)) {
            watch.take_away();
        }
    }
}

fn kind_bit(base: &InodeBase) -> u32 {
    if base.kind == FileKind::Directory { IN_ISDIR } else { 0 }
}

/// Tells the watchers of the directory that has the name, then the file's own.
#[cold]
fn tell_both(dentry: &Dentry, inode: &dyn Inode, event: u32) {
    let base = inode.base();
    let event = event | kind_bit(base);
    let (parent, name) = dentry.parent_and_name_as_leaf();
    if let Some(directory) = parent.as_ref().and_then(|parent| parent.inode()) {
        directory.base().watchers.tell(event, &name, 0, !dentry.is_removed());
    }
    base.watchers.tell(event, b"", 0, true);
}

#[inline(always)]
fn on_open_file(open: &OpenFile, event: u32) {
    if is_anybody_there() && !open.is_path_only() {
        tell_both(&open.path().dentry, &**open.inode(), event);
    }
}

/// Bytes or entries were read.
#[inline(always)]
pub fn accessed(open: &OpenFile) {
    on_open_file(open, IN_ACCESS);
}

/// The contents were changed.
#[inline(always)]
pub fn modified(open: &OpenFile) {
    on_open_file(open, IN_MODIFY);
}

/// The description was made.
#[inline(always)]
pub fn opened(open: &OpenFile) {
    on_open_file(open, IN_OPEN);
}

/// The description ends.
#[inline(always)]
pub fn closed(open: &OpenFile) {
    on_open_file(open, if open.is_writable() { IN_CLOSE_WRITE } else { IN_CLOSE_NOWRITE });
}

/// The contents were changed without a description.
pub fn modified_at(dentry: &Dentry) {
    on_dentry(dentry, IN_MODIFY);
}

/// Access time alone was set.
pub fn access_time_set(dentry: &Dentry) {
    on_dentry(dentry, IN_ACCESS);
}

/// Permissions, owner, times, extended attributes were changed.
pub fn attributes_changed(dentry: &Dentry) {
    on_dentry(dentry, IN_ATTRIB);
}

fn on_dentry(dentry: &Dentry, event: u32) {
    if is_anybody_there()
        && let Some(inode) = dentry.inode()
    {
        tell_both(dentry, &**inode, event);
    }
}

/// The file has a name more or less.
pub fn links_changed(inode: &dyn Inode) {
    if is_anybody_there() {
        inode.base().watchers.tell(IN_ATTRIB | kind_bit(inode.base()), b"", 0, true);
    }
}

/// `directory` has a new entry.
pub fn created(directory: &dyn Inode, name: &[u8], child: &dyn Inode) {
    if is_anybody_there() {
        directory.base().watchers.tell(IN_CREATE | kind_bit(child.base()), name, 0, true);
    }
}

/// `directory` has an entry less.
pub fn deleted(directory: &dyn Inode, name: &[u8], child: &dyn Inode) {
    if is_anybody_there() {
        directory.base().watchers.tell(IN_DELETE | kind_bit(child.base()), name, 0, true);
    }
}

/// `child` has another name, perhaps in another directory.
pub fn moved(child: &dyn Inode, from: (&dyn Inode, &[u8]), to: (&dyn Inode, &[u8])) {
    static COOKIE: AtomicU32 = AtomicU32::new(1);
    if is_anybody_there() {
        let cookie = COOKIE.fetch_add(1, Ordering::Relaxed);
        let kind = kind_bit(child.base());
        from.0.base().watchers.tell(IN_MOVED_FROM | kind, from.1, cookie, true);
        to.0.base().watchers.tell(IN_MOVED_TO | kind, to.1, cookie, true);
        // LINUX: its own watchers are not told what it is.
        child.base().watchers.tell(IN_MOVE_SELF, b"", 0, true);
    }
}

/// A removed name is used by nobody any more: if it was the last, the file is gone.
pub(super) fn name_gone(inode: &dyn Inode) {
    if is_anybody_there() && inode.base().has_no_links_as_leaf() {
        inode.base().watchers.end(IN_DELETE_SELF);
    }
}

/// The file system is seen nowhere any more.
pub(super) fn unmounted(base: &InodeBase) {
    base.watchers.end(IN_UNMOUNT);
}
