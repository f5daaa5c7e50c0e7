//! `epoll`: a set of files that remembers which of them became ready, so that waiting costs what is ready and not what is
//! watched.
//!
//! Main types: [`EpollSet`], the file of the descriptor; `Interest`, one watched file, which the watched file's queues wake.
//! Called by the epoll calls (`syscall/epoll.rs`) and, as any file, by poll and other sets.
//!
//! # Invariants
//! - An interest is in the ready list at most once (`is_listed`), and the list has room for all of them, so that waking, which
//!   may happen in an interrupt handler, never allocates.
//! - An interest keeps neither the file nor the set alive. One whose file has gone is dropped when it is met.
//! - The mark is taken off before readiness is looked at, so that a change after the look lists the interest again.
use super::anonymous::AnonymousInode;
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::open_file::OpenFile;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::syscall::Fd;
use abi::linux::{EPOLLET, EPOLLONESHOT, EPOLLWAKEUP, O_RDWR};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use machine::sync::{IrqSafe, Mutex, SpinLock, Wait, WaitError, WaitQueue, Wake};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// Sets within sets, at most.
const MOST_NESTED: u32 = 5;
/// Event bits that are about how to tell, not what.
const MODES: u32 = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | abi::linux::EPOLLEXCLUSIVE;

/// What is ready: its events and the caller's word for it.
pub type Ready = (u32, u64);

/// A watched file is known by its number and its description, as on Linux.
type Key = (i32, usize);

/// What the interests of a set share.
struct Shared {
    ready: SpinLock<VecDeque<Arc<Interest>>, IrqSafe>,
    waiters: WaitQueue,
}

/// One watched file.
struct Interest {
    me: Weak<Interest>,
    shared: Weak<Shared>,
    open: Weak<OpenFile>,
    file: Weak<dyn File>,
    /// Wanted events with the mode bits; none of the former after a one-shot event.
    events: AtomicU32,
    data: AtomicU64,
    is_listed: AtomicBool,
}

impl Interest {
    /// What of the wanted events holds now.
    fn look(&self, cx: &mut CurrentThread) -> u32 {
        let wanted = self.events.load(Ordering::Acquire) & !MODES;
        let Some(open) = self.open.upgrade() else { return 0 };
        if wanted == 0 {
            return 0;
        }
        let told = PollEvents(wanted).and(PollEvents::ERROR).and(PollEvents::HANG_UP);
        open.poll(cx).0 & told.0
    }
}

impl Wake for Interest {
    fn wake(&self) -> bool {
        let Some(shared) = self.shared.upgrade() else { return false };
        if !self.is_listed.swap(true, Ordering::AcqRel)
            && let Some(me) = self.me.upgrade()
        {
            shared.ready.with(|ready| ready.push_back(me));
        }
        shared.waiters.wake_all();
        // Others that wait for the same file are told too.
        false
    }
}

/// A set of watched files.
pub struct EpollSet {
    interests: Mutex<BTreeMap<Key, Arc<Interest>>>,
    shared: Arc<Shared>,
}

impl EpollSet {
    /// An open, empty set.
    pub fn open() -> Arc<OpenFile> {
        let shared =
            Shared { ready: SpinLock::new(&lock_order::EPOLL_READY, VecDeque::new()), waiters: WaitQueue::new() };
        let interests = Mutex::new(&lock_order::EPOLL, BTreeMap::new());
        let set = Arc::new(EpollSet { interests, shared: Arc::new(shared) });
        // LINUX: the inode of such objects has no type; a character device is the nearest kind there is here.
        let inode = AnonymousInode::new(FileKind::CharDevice, 0o600, None);
        OpenFile::anonymous(b"anon_inode:[eventpoll]", inode, set, O_RDWR)
    }

    /// The set behind a description; EINVAL if it is something else.
    pub fn of(open: &OpenFile) -> Result<&EpollSet> {
        open.file().as_any().downcast_ref::<EpollSet>().ok_or(Errno::EINVAL)
    }

    fn key(fd: Fd, open: &Arc<OpenFile>) -> Key {
        (fd.0, Arc::as_ptr(open).addr())
    }

    /// Watches `open` for `events`; `data` is told with them.
    pub fn add(&self, cx: &mut CurrentThread, fd: Fd, open: &Arc<OpenFile>, events: u32, data: u64) -> Result<()> {
        // LINUX: files that are always ready cannot be watched.
        if matches!(open.inode().base().kind, FileKind::Regular | FileKind::Directory) {
            return Err(Errno::EPERM);
        }
        if let Ok(inner) = EpollSet::of(open) {
            inner.check_no_cycle(cx, self, 1)?;
        }
        let interest = {
            let mut interests = self.interests.lock(cx);
            let key = EpollSet::key(fd, open);
            if interests.get(&key).is_some_and(|known| known.open.strong_count() > 0) {
                return Err(Errno::EEXIST);
            }
            self.make_room(interests.len() + 1)?;
            let interest = Arc::new_cyclic(|me| Interest {
                me: me.clone(),
                shared: Arc::downgrade(&self.shared),
                open: Arc::downgrade(open),
                file: Arc::downgrade(open.file()),
                events: AtomicU32::new(events),
                data: AtomicU64::new(data),
                is_listed: AtomicBool::new(false),
            });
            interests.insert(key, interest.clone());
            interest
        };
        for queue in open.file().wait_queues().into_iter().flatten() {
            queue.add(interest.clone());
        }
        if interest.look(cx) != 0 {
            interest.wake();
        }
        Ok(())
    }

    /// Changes what a watched file is watched for.
    pub fn modify(&self, cx: &mut CurrentThread, fd: Fd, open: &Arc<OpenFile>, events: u32, data: u64) -> Result<()> {
        let interest = self.interests.lock(cx).get(&EpollSet::key(fd, open)).cloned().ok_or(Errno::ENOENT)?;
        interest.data.store(data, Ordering::Release);
        interest.events.store(events, Ordering::Release);
        if interest.look(cx) != 0 {
            interest.wake();
        }
        Ok(())
    }

    /// Watches a file no longer.
    pub fn remove(&self, cx: &mut CurrentThread, fd: Fd, open: &Arc<OpenFile>) -> Result<()> {
        let interest = self.interests.lock(cx).remove(&EpollSet::key(fd, open)).ok_or(Errno::ENOENT)?;
        detach(&interest);
        Ok(())
    }

    /// Waits until something is ready; answers at most `most` of it. No deadline is for ever.
    pub fn wait(
        &self,
        cx: &mut CurrentThread,
        most: usize,
        deadline: Option<Instant>,
    ) -> Result<core::result::Result<Vec<Ready>, WaitError>> {
        let mut found = Vec::new();
        loop {
            self.collect(cx, most, &mut found)?;
            let is_over = deadline.is_some_and(|deadline| deadline <= machine::time::now());
            if !found.is_empty() || is_over {
                return Ok(Ok(found));
            }
            let how = Wait::interruptible("epoll").until(deadline);
            match self.shared.waiters.wait(cx, how, |_| self.has_listed().then_some(())) {
                Ok(()) | Err(WaitError::TimedOut) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    fn has_listed(&self) -> bool {
        self.shared.ready.with(|ready| !ready.is_empty())
    }

    /// Goes through what was listed, once.
    fn collect(&self, cx: &mut CurrentThread, most: usize, found: &mut Vec<Ready>) -> Result<()> {
        let listed = self.shared.ready.with(|ready| ready.len());
        found.try_reserve(listed.min(most))?;
        for _ in 0..listed {
            if found.len() == most {
                break;
            }
            let Some(interest) = self.shared.ready.with(|ready| ready.pop_front()) else { break };
            interest.is_listed.store(false, Ordering::Release);
            let events = interest.look(cx);
            if events == 0 {
                if interest.open.strong_count() == 0 {
                    self.forget(cx, &interest);
                }
                continue;
            }
            found.push((events, interest.data.load(Ordering::Acquire)));
            let mode = interest.events.load(Ordering::Acquire);
            if mode & EPOLLONESHOT != 0 {
                interest.events.store(mode & MODES, Ordering::Release);
            } else if mode & EPOLLET == 0 && !interest.is_listed.swap(true, Ordering::AcqRel) {
                // As long as it is ready it is told again.
                self.shared.ready.with(|ready| ready.push_back(interest));
            }
        }
        Ok(())
    }

    /// Drops an interest whose file has gone.
    fn forget(&self, cx: &mut CurrentThread, interest: &Arc<Interest>) {
        self.interests.lock(cx).retain(|_, known| !Arc::ptr_eq(known, interest));
        detach(interest);
    }

    /// Makes the ready list large enough for `count` interests, and for as many that were removed while listed.
    fn make_room(&self, count: usize) -> Result<()> {
        let mut larger = VecDeque::new();
        larger.try_reserve_exact(2 * count)?;
        let old = self.shared.ready.with(|ready| {
            if ready.capacity() >= 2 * count {
                return larger;
            }
            larger.extend(ready.drain(..));
            core::mem::replace(ready, larger)
        });
        drop(old);
        Ok(())
    }

    /// ELOOP if `outer` is watched by this set, directly or through others, or if sets are nested too deeply.
    fn check_no_cycle(&self, cx: &mut CurrentThread, outer: &EpollSet, depth: u32) -> Result<()> {
        if core::ptr::eq(self, outer) || depth > MOST_NESTED {
            return Err(Errno::ELOOP);
        }
        let watched: Vec<Arc<OpenFile>> =
            self.interests.lock(cx).values().filter_map(|interest| interest.open.upgrade()).collect();
        for open in watched {
            if let Ok(inner) = EpollSet::of(&open) {
                inner.check_no_cycle(cx, outer, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Takes an interest off the queues of its file and out of use.
fn detach(interest: &Arc<Interest>) {
    interest.events.store(0, Ordering::Release);
    if let Some(file) = interest.file.upgrade() {
        let wake: Arc<dyn Wake> = interest.clone();
        for queue in file.wait_queues().into_iter().flatten() {
            queue.remove(&wake);
        }
    }
}

impl File for EpollSet {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_stream(&self) -> bool {
        true
    }

    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let listed: Vec<Arc<Interest>> = self.shared.ready.with(|ready| ready.iter().cloned().collect());
        let is_ready = listed.iter().any(|interest| interest.look(cx) != 0);
        PollEvents::NONE.and_if(is_ready, PollEvents::IN)
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.shared.waiters), None]
    }
}

impl Drop for EpollSet {
    /// Takes every interest off its file, so that the file's queues do not grow.
    fn drop(&mut self) {
        for interest in self.interests.get_mut().values() {
            detach(interest);
        }
    }
}
