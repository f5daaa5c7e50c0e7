//! A process's view of the tree: its root, its working directory, and the bits it never gives to new files.
//!
//! Main type: [`FsContext`], shared by threads (CLONE_FS), copied by fork. Lock: `FS_CONTEXT`, a spin lock.
use super::path::Path;
use crate::lock_order;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

#[derive(Clone)]
struct Places {
    root: Path,
    working: Path,
}

/// Root, working directory, umask.
pub struct FsContext {
    places: SpinLock<Places>,
    umask: AtomicU32,
}

impl FsContext {
    /// At `root`, with Linux's first umask.
    pub fn new(root: Path) -> Arc<FsContext> {
        let places = Places { root: root.clone(), working: root };
        Arc::new(FsContext { places: SpinLock::new(&lock_order::FS_CONTEXT, places), umask: AtomicU32::new(0o022) })
    }

    /// Fork's copy.
    pub fn copy(&self, cx: &CurrentThread) -> Arc<FsContext> {
        let places = self.places.lock(cx).clone();
        Arc::new(FsContext {
            places: SpinLock::new(&lock_order::FS_CONTEXT, places),
            umask: AtomicU32::new(self.umask()),
        })
    }

    /// Where `/` leads.
    pub fn root(&self, cx: &CurrentThread) -> Path {
        self.places.lock(cx).root.clone()
    }

    /// Where relative names begin.
    pub fn working(&self, cx: &CurrentThread) -> Path {
        self.places.lock(cx).working.clone()
    }

    /// Both: root, then working directory.
    pub fn places(&self, cx: &CurrentThread) -> (Path, Path) {
        let places = self.places.lock(cx).clone();
        (places.root, places.working)
    }

    /// chroot.
    pub fn set_root(&self, cx: &CurrentThread, root: Path) {
        let old = core::mem::replace(&mut self.places.lock(cx).root, root);
        drop(old);
    }

    /// chdir.
    pub fn set_working(&self, cx: &CurrentThread, working: Path) {
        let old = core::mem::replace(&mut self.places.lock(cx).working, working);
        drop(old);
    }

    /// Permission bits that new files do not get.
    pub fn umask(&self) -> u32 {
        self.umask.load(Ordering::Relaxed)
    }

    /// Sets them; answers the old ones.
    pub fn set_umask(&self, umask: u32) -> u32 {
        self.umask.swap(umask & 0o777, Ordering::Relaxed)
    }
}
