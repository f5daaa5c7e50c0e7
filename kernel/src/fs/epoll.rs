//! `epoll`: a set of files that remembers which of them became ready, so that waiting costs what is ready and not what is
//! watched.
//!
//! Main types: [`EpollSet`], the file of the descriptor; `Interest`, one watched file, which the watched file's queues wake.
//! Called by the epoll calls (`syscall/epoll.rs`) and, as any file, by poll and other sets.
//!
//! # Invariants
//! - An interest is in the ready list at most once (`is_listed`) and only while it is watched (`is_watched`), and the list has
//!   room for all of them, so that waking, which may happen in an interrupt handler, never allocates.
//! - An interest keeps neither the file nor the set alive. One whose file has gone is dropped when it is met, and all such
//!   before the ready list is made larger, so that there are never many more interests than open files.
//! - An interest is on its file's queues exactly while it is in the set, as seen by whoever holds the set's lock.
//! - Sets that watch sets never form a ring nor a row longer than [`epoll_nesting`](super::epoll_nesting) allows, so waking
//!   and looking, which go up and down such rows by recursion, need little stack.
//! - The mark is taken off before readiness is looked at, so that a change after the look lists the interest again.
//! - One thread at a time goes through the ready list ([`ScanLock`]); what it takes out and puts back is missing only as long
//!   as it holds the lock. Whoever leaves something in the list wakes the next waiter, and whoever takes a wake-up looks at the
//!   list once more before it gives up, so no waiter sleeps while something is ready.
use super::anonymous::AnonymousInode;
use super::epoll_nesting::{self, Outers};
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::open_file::OpenFile;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::syscall::Fd;
use abi::linux::{EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP, O_RDWR};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use machine::sync::{IrqSafe, Mutex, SpinLock, Wait, WaitError, WaitQueue, Wake};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// Room in the ready list, at least.
const LEAST_ROOM: usize = 8;
/// Event bits that are about how to tell, not what.
const MODES: u32 = EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;

/// What is ready: its events and the caller's word for it.
pub type Ready = (u32, u64);

/// A watched file is known by its number and its description, as on Linux.
type Key = (i32, usize);

/// What the interests of a set share. It stays until they are off their files' queues.
pub(super) struct Shared {
    ready: SpinLock<VecDeque<Arc<Interest>>, IrqSafe>,
    /// Threads in [`EpollSet::wait`], woken one at a time.
    waiters: WaitQueue,
    /// Whoever polls the set, and sets that watch it.
    watchers: WaitQueue,
    /// The sets that watch this one.
    pub(super) outers: Outers,
}

/// Held by the thread that goes through the ready list. It sleeps while it looks at files, and a look at a set that is
/// watched takes that set's lock: a row of locks of one kind, which is in order because sets watch each other in no ring.
struct ScanLock {
    is_taken: AtomicBool,
    free: WaitQueue,
    /// How often the list was gone through, to know what was met in this round.
    round: AtomicU64,
}

impl ScanLock {
    /// Waits for the one before.
    fn take(&self, cx: &mut CurrentThread) {
        let try_take = |_: &mut CurrentThread| (!self.is_taken.swap(true, Ordering::AcqRel)).then_some(());
        // Nothing ends the wait but its event, and holders do not wait for anything that a program decides.
        let _ = self.free.wait(cx, Wait::uninterruptible("an epoll set"), try_take);
    }

    fn release(&self) {
        self.is_taken.store(false, Ordering::Release);
        self.free.wake(1);
    }
}

impl Shared {
    fn has_listed(&self) -> bool {
        self.ready.with(|ready| !ready.is_empty())
    }

    /// Puts an interest into the ready list, unless it is there or watched no longer.
    fn list(&self, interest: &Arc<Interest>) {
        if !interest.is_listed.swap(true, Ordering::AcqRel) {
            self.ready.with(|ready| {
                if interest.is_watched.load(Ordering::Acquire) {
                    ready.push_back(interest.clone());
                }
            });
        }
    }

    /// Takes what is watched no longer out of the ready list.
    fn unlist(&self) {
        self.ready.with(|ready| ready.retain(|interest| interest.is_watched.load(Ordering::Acquire)));
    }
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
    /// Cleared for good when it is taken off its file's queues.
    is_watched: AtomicBool,
    /// The last round of the set's [`ScanLock`] that met it.
    round: AtomicU64,
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
        if let Some(me) = self.me.upgrade() {
            shared.list(&me);
        }
        let is_taken = shared.waiters.wake(1) > 0;
        shared.watchers.wake_all();
        // Others that wait for the same file are told too, except as `is_exclusive` says.
        is_taken && self.is_exclusive()
    }

    fn is_exclusive(&self) -> bool {
        self.events.load(Ordering::Relaxed) & EPOLLEXCLUSIVE != 0
    }
}

/// A set of watched files.
pub struct EpollSet {
    interests: Mutex<BTreeMap<Key, Arc<Interest>>>,
    scan: ScanLock,
    pub(super) shared: Arc<Shared>,
}

impl EpollSet {
    /// An open, empty set.
    pub fn open() -> Arc<OpenFile> {
        let ready = SpinLock::new(&lock_order::EPOLL_READY, VecDeque::new());
        let shared = Shared { ready, waiters: WaitQueue::new(), watchers: WaitQueue::new(), outers: Outers::new() };
        let scan = ScanLock { is_taken: AtomicBool::new(false), free: WaitQueue::new(), round: AtomicU64::new(0) };
        let interests = Mutex::new(&lock_order::EPOLL, BTreeMap::new());
        let set = Arc::new(EpollSet { interests, scan, shared: Arc::new(shared) });
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
        let interest = match EpollSet::of(open) {
            Ok(inner) => {
                epoll_nesting::link(cx, self, inner, |cx| self.insert(cx, EpollSet::key(fd, open), open, events, data))?
            }
            Err(_) => self.insert(cx, EpollSet::key(fd, open), open, events, data)?,
        };
        if interest.look(cx) != 0 {
            interest.wake();
        }
        Ok(())
    }

    fn insert(
        &self,
        cx: &mut CurrentThread,
        key: Key,
        open: &Arc<OpenFile>,
        events: u32,
        data: u64,
    ) -> Result<Arc<Interest>> {
        let mut interests = self.interests.lock(cx);
        if interests.contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        self.make_room(&mut interests)?;
        let interest = Arc::new_cyclic(|me| Interest {
            me: me.clone(),
            shared: Arc::downgrade(&self.shared),
            open: Arc::downgrade(open),
            file: Arc::downgrade(open.file()),
            events: AtomicU32::new(events),
            data: AtomicU64::new(data),
            is_listed: AtomicBool::new(false),
            is_watched: AtomicBool::new(true),
            round: AtomicU64::new(0),
        });
        interests.insert(key, interest.clone());
        for queue in open.file().wait_queues().into_iter().flatten() {
            queue.add(interest.clone());
        }
        Ok(interest)
    }

    /// Changes what a watched file is watched for.
    pub fn modify(&self, cx: &mut CurrentThread, fd: Fd, open: &Arc<OpenFile>, events: u32, data: u64) -> Result<()> {
        let interest = self.interests.lock(cx).get(&EpollSet::key(fd, open)).cloned().ok_or(Errno::ENOENT)?;
        if interest.is_exclusive() {
            return Err(Errno::EINVAL);
        }
        interest.data.store(data, Ordering::Release);
        interest.events.store(events, Ordering::Release);
        if interest.look(cx) != 0 {
            interest.wake();
        }
        Ok(())
    }

    /// Watches a file no longer.
    pub fn remove(&self, cx: &mut CurrentThread, fd: Fd, open: &Arc<OpenFile>) -> Result<()> {
        let key = EpollSet::key(fd, open);
        match EpollSet::of(open) {
            Ok(inner) => epoll_nesting::unlink(cx, self, inner, |cx| self.take_out(cx, key)),
            Err(_) => self.take_out(cx, key),
        }
    }

    fn take_out(&self, cx: &mut CurrentThread, key: Key) -> Result<()> {
        let mut interests = self.interests.lock(cx);
        detach(&interests.remove(&key).ok_or(Errno::ENOENT)?);
        self.shared.unlist();
        Ok(())
    }

    /// Waits until something is ready, gives at most `most` of it to `put` with their places, and answers how much. What
    /// `put` refuses stays ready; its error is answered if it was the first. No deadline is for ever.
    pub fn wait(
        &self,
        cx: &mut CurrentThread,
        most: usize,
        deadline: Option<Instant>,
        put: &mut dyn FnMut(&mut CurrentThread, usize, Ready) -> Result<()>,
    ) -> Result<core::result::Result<usize, WaitError>> {
        loop {
            self.scan.take(cx);
            let found = self.collect(cx, most, put);
            self.scan.release();
            if self.shared.has_listed() {
                self.shared.waiters.wake(1);
            }
            let is_over = deadline.is_some_and(|deadline| deadline <= machine::time::now());
            match found {
                Ok(0) if !is_over => {}
                found => return found.map(Ok),
            }
            let how = Wait::interruptible("epoll").until(deadline);
            match self.shared.waiters.wait(cx, how, |_| self.shared.has_listed().then_some(())) {
                Ok(()) | Err(WaitError::TimedOut) => {}
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Goes through what was listed, once. The caller holds the scan lock.
    fn collect(
        &self,
        cx: &mut CurrentThread,
        most: usize,
        put: &mut dyn FnMut(&mut CurrentThread, usize, Ready) -> Result<()>,
    ) -> Result<usize> {
        let round = self.scan.round.fetch_add(1, Ordering::Relaxed) + 1;
        let mut found = 0;
        while found < most {
            let Some(interest) = self.shared.ready.with(|ready| ready.pop_front()) else { break };
            interest.is_listed.store(false, Ordering::Release);
            if interest.round.swap(round, Ordering::Relaxed) == round {
                // What follows was listed again in this round.
                self.shared.list(&interest);
                break;
            }
            let mode = interest.events.load(Ordering::Acquire);
            let events = interest.look(cx);
            if events == 0 {
                if interest.open.strong_count() == 0 {
                    self.forget(cx, &interest);
                }
                continue;
            }
            if let Err(error) = put(cx, found, (events, interest.data.load(Ordering::Acquire))) {
                self.shared.list(&interest);
                return if found == 0 { Err(error) } else { Ok(found) };
            }
            found += 1;
            if mode & EPOLLONESHOT != 0 {
                // Armed anew meanwhile it stays armed.
                let _ = interest.events.compare_exchange(mode, mode & MODES, Ordering::AcqRel, Ordering::Relaxed);
            } else if mode & EPOLLET == 0 {
                // As long as it is ready it is told again.
                self.shared.list(&interest);
            }
        }
        Ok(found)
    }

    /// Drops an interest whose file has gone.
    fn forget(&self, cx: &mut CurrentThread, interest: &Arc<Interest>) {
        let mut interests = self.interests.lock(cx);
        interests.retain(|_, known| !Arc::ptr_eq(known, interest));
        detach(interest);
        self.shared.unlist();
    }

    /// Makes the ready list large enough for one more interest. Before it grows, interests whose files have gone are dropped.
    fn make_room(&self, interests: &mut BTreeMap<Key, Arc<Interest>>) -> Result<()> {
        let room = self.shared.ready.with(|ready| ready.capacity());
        if interests.len() < room {
            return Ok(());
        }
        interests.retain(|_, interest| {
            let is_open = interest.open.strong_count() > 0;
            if !is_open {
                detach(interest);
            }
            is_open
        });
        self.shared.unlist();
        let wanted = (2 * (interests.len() + 1)).max(LEAST_ROOM);
        if wanted <= room {
            return Ok(());
        }
        let mut larger = VecDeque::new();
        larger.try_reserve_exact(wanted)?;
        let old = self.shared.ready.with(|ready| {
            larger.extend(ready.drain(..));
            core::mem::replace(ready, larger)
        });
        drop(old);
        Ok(())
    }

    /// The sets that this one watches; one watched twice is told twice.
    pub(super) fn inners(&self, cx: &mut CurrentThread) -> Result<Vec<Arc<OpenFile>>> {
        let mut inners = Vec::new();
        for open in self.interests.lock(cx).values().filter_map(|interest| interest.open.upgrade()) {
            if EpollSet::of(&open).is_ok() {
                inners.try_reserve(1)?;
                inners.push(open);
            }
        }
        Ok(inners)
    }
}

/// Takes an interest off the queues of its file and out of use.
fn detach(interest: &Arc<Interest>) {
    interest.is_watched.store(false, Ordering::Release);
    interest.events.store(0, Ordering::Release);
    if let Some(file) = interest.file.upgrade() {
        let wake: Arc<dyn Wake> = interest.clone();
        for queue in file.wait_queues().into_iter().flatten() {
            queue.remove(&wake);
        }
    }
}

impl File for EpollSet {
    fn is_stream(&self) -> bool {
        true
    }

    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        self.scan.take(cx);
        // Room is reserved outside the lock; what is listed meanwhile wakes whoever asks, who then looks again.
        let count = self.shared.ready.with(|ready| ready.len());
        let mut listed: Vec<Arc<Interest>> = Vec::new();
        let is_ready = match listed.try_reserve(count) {
            Ok(()) => {
                self.shared.ready.with(|ready| listed.extend(ready.iter().take(count).cloned()));
                listed.iter().any(|interest| interest.look(cx) != 0)
            }
            // Better a look in vain than a sleep for ever.
            Err(_) => count > 0,
        };
        self.scan.release();
        PollEvents::NONE.and_if(is_ready, PollEvents::IN)
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.shared.watchers), None]
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
