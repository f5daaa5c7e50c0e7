//! `inotify`: a queue of what happens to watched files and directories.
//!
//! Main types: [`Inotify`], the file of the descriptor; [`Watch`], one watched inode, which [`super::notify`] tells; its events
//! wait in the instance's queue until they are read.
//!
//! # Invariants
//! - An instance holds the inodes it watches, an inode knows its watches weakly; a watch is in both or (while it is made or taken
//!   away) in one.
//! - The queue is bounded; what does not fit is replaced by one event that says so.
use super::anonymous::AnonymousInode;
use super::file::{File, PollEvents};
use super::inode::{DeviceNumber, FileKind, Inode};
use super::listeners::{self, Listeners};
use super::notify;
use super::open_file::OpenFile;
use super::transfer::Sink;
use crate::errno::{Errno, Result};
use crate::lock_order;
use crate::signal::readiness::Change;
use crate::user_memory::UserPtr;
use abi::linux::{
    IN_ALL_EVENTS, IN_EXCL_UNLINK, IN_IGNORED, IN_ISDIR, IN_MASK_ADD, IN_MASK_CREATE, IN_ONESHOT, IN_Q_OVERFLOW,
    IN_UNMOUNT, O_RDONLY,
};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::fmt::Write;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use machine::addr::UserAddr;
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::CurrentThread;

/// Most instances of a user.
pub const MOST_INSTANCES: usize = 128;
/// Most events that wait (Linux's `fs.inotify.max_queued_events`).
pub const MOST_EVENTS: usize = 16_384;
/// Most watches of a user (Linux's `fs.inotify.max_user_watches`).
// LINUX: it goes by memory.
pub const MOST_WATCHES: usize = 65_536;
/// Bytes of an event before its name, and what names are padded to.
const HEADER_BYTES: usize = 16;
/// What a watch keeps of what was asked for.
const KEPT: u32 = IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK;

/// An event that waits.
#[derive(PartialEq, Eq)]
struct Event {
    watch: i32,
    mask: u32,
    cookie: u32,
    name: Vec<u8>,
}

impl Event {
    /// Bytes of the name as it is read: with at least one zero, or nothing.
    fn name_bytes(&self) -> usize {
        if self.name.is_empty() { 0 } else { (self.name.len() + 1).next_multiple_of(HEADER_BYTES) }
    }

    fn bytes(&self) -> usize {
        HEADER_BYTES + self.name_bytes()
    }
}

/// What waits in an instance.
struct Queue {
    events: SpinLock<VecDeque<Event>>,
    readable: WaitQueue,
    /// Who is told by signals.
    listeners: Listeners,
}

impl Queue {
    /// Adds an event; one that says the same as the last is left out.
    fn push(&self, watch: i32, mask: u32, cookie: u32, name: &[u8]) {
        let is_added = self.events.with(|events| {
            let is_same =
                |last: &Event| last.watch == watch && last.mask == mask && last.cookie == cookie && last.name == name;
            if events.back().is_some_and(is_same) {
                return false;
            }
            let mut copy = Vec::new();
            // The last place is for the news that some are missing.
            let has_room = events.len() < MOST_EVENTS
                && events.try_reserve(2).is_ok()
                && copy.try_reserve_exact(name.len()).is_ok();
            if has_room {
                copy.extend_from_slice(name);
                events.push_back(Event { watch, mask, cookie, name: copy });
            } else if events.len() < events.capacity() && events.back().is_none_or(|last| last.mask != IN_Q_OVERFLOW) {
                events.push_back(Event { watch: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: Vec::new() });
            }
            true
        });
        if is_added {
            self.readable.wake_all();
            // Whoever did it may hold locks.
            self.listeners.leave(Change::Input);
            listeners::notify();
        }
    }
}

/// One watched inode.
pub struct Watch {
    number: i32,
    /// Wanted events with the modes of [`KEPT`].
    mask: AtomicU32,
    queue: Arc<Queue>,
    owner: Weak<Inotify>,
    /// It was for one event, which has come.
    is_spent: AtomicBool,
}

impl Watch {
    /// Whether all bits of `mode` are set.
    pub(super) fn has(&self, mode: u32) -> bool {
        self.mask.load(Ordering::Relaxed) & mode == mode
    }

    /// It happened. Answers whether the watch is spent with it.
    pub(super) fn tell(&self, event: u32, name: &[u8], cookie: u32) -> bool {
        let mask = self.mask.load(Ordering::Relaxed);
        // LINUX: the end of a file system is told to everybody.
        if event & (mask | IN_UNMOUNT) & !IN_ISDIR == 0 || self.is_spent() {
            return false;
        }
        self.queue.push(self.number, event, cookie, name);
        if mask & IN_ONESHOT != 0 {
            self.is_spent.store(true, Ordering::Relaxed);
        }
        mask & IN_ONESHOT != 0
    }

    pub(super) fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed)
    }

    /// Takes the watch away and says so.
    pub(super) fn take_away(&self) {
        let held =
            self.owner.upgrade().and_then(|owner| owner.watches.with(|watches| watches.held.remove(&self.number)));
        if let Some(held) = held {
            self.queue.push(self.number, IN_IGNORED, 0, b"");
            held.inode.base().watchers.remove(self);
        }
    }
}

/// One of the watches that a user may have; dropping it gives it back.
struct Room {
    used: Arc<AtomicUsize>,
}

impl Room {
    /// ENOSPC if the user has as many as it may.
    fn take(used: &Arc<AtomicUsize>) -> Result<Room> {
        let more = |used: usize| (used < MOST_WATCHES).then_some(used + 1);
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Errno::ENOSPC)?;
        Ok(Room { used: used.clone() })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many watches each user has, of users that have an instance.
static WATCHES_BY_USER: SpinLock<Vec<(u32, Arc<AtomicUsize>)>> = SpinLock::new(&lock_order::INOTIFY_USERS, Vec::new());

/// A user's count.
fn watches_of(uid: u32) -> Result<Arc<AtomicUsize>> {
    WATCHES_BY_USER.with(|counts| {
        if let Some((_, count)) = counts.iter().find(|(user, _)| *user == uid) {
            return Ok(count.clone());
        }
        counts.retain(|(_, count)| Arc::strong_count(count) > 1);
        counts.try_reserve(1)?;
        let count = Arc::new(AtomicUsize::new(0));
        counts.push((uid, count.clone()));
        Ok(count)
    })
}

/// A watch and what it keeps.
struct Held {
    watch: Arc<Watch>,
    _room: Room,
    inode: Arc<dyn Inode>,
}

#[derive(Default)]
struct Watches {
    held: BTreeMap<i32, Held>,
    last: i32,
}

/// Every instance with its user, for the end of a file system and the bound of each user.
static INSTANCES: SpinLock<Vec<(u32, Weak<Inotify>)>> = SpinLock::new(&lock_order::INOTIFY_INSTANCES, Vec::new());

/// The file system of `device` is seen nowhere any more: what is watched on it ends.
pub fn end_watches_on(device: DeviceNumber) {
    let mut at = 0;
    while let Some((_, instance)) = INSTANCES.with(|instances| instances.get(at).cloned()) {
        at += 1;
        let Some(instance) = instance.upgrade() else { continue };
        let is_there = |held: &&Held| held.inode.base().device == device;
        while let Some(inode) =
            instance.watches.with(|watches| watches.held.values().find(is_there).map(|held| held.inode.clone()))
        {
            notify::unmounted(inode.base());
        }
    }
}

/// An instance.
pub struct Inotify {
    me: Weak<Inotify>,
    queue: Arc<Queue>,
    watches: SpinLock<Watches>,
    /// How many watches its user has.
    user_watches: Arc<AtomicUsize>,
}

impl Inotify {
    /// An open instance. `flags`: O_NONBLOCK or nothing. EMFILE if the user has too many.
    pub fn open(uid: u32, flags: u32) -> Result<Arc<OpenFile>> {
        let events = SpinLock::new(&lock_order::INOTIFY_QUEUE, VecDeque::new());
        let queue = Arc::new(Queue { events, readable: WaitQueue::new(), listeners: Listeners::new() });
        let watches = SpinLock::new(&lock_order::INOTIFY, Watches::default());
        let user_watches = watches_of(uid)?;
        let instance = Arc::new_cyclic(|me| Inotify { me: me.clone(), queue, watches, user_watches });
        INSTANCES.with(|instances| -> Result<()> {
            instances.retain(|(_, known)| known.strong_count() > 0);
            if instances.iter().filter(|(user, _)| *user == uid).count() >= MOST_INSTANCES {
                return Err(Errno::EMFILE);
            }
            instances.try_reserve(1)?;
            instances.push((uid, Arc::downgrade(&instance)));
            Ok(())
        })?;
        // LINUX: the inode of such objects has no type; a character device is the nearest kind there is here.
        let inode = AnonymousInode::new(FileKind::CharDevice, 0o600, None);
        Ok(OpenFile::anonymous(b"anon_inode:inotify", inode, instance, flags | O_RDONLY))
    }

    /// The instance behind a description; EINVAL if it is something else.
    pub fn of(open: &OpenFile) -> Result<&Inotify> {
        open.file().as_any().downcast_ref::<Inotify>().ok_or(Errno::EINVAL)
    }

    /// Watches an inode, or changes how it is watched; answers the watch's number.
    pub fn watch(&self, inode: &Arc<dyn Inode>, mask: u32) -> Result<i32> {
        let known = self.watches.with(|watches| {
            watches.held.values().find(|held| Arc::ptr_eq(&held.inode, inode)).map(|held| held.watch.clone())
        });
        if let Some(watch) = known {
            if mask & IN_MASK_CREATE != 0 {
                return Err(Errno::EEXIST);
            }
            let old = if mask & IN_MASK_ADD != 0 { watch.mask.load(Ordering::Relaxed) } else { 0 };
            watch.mask.store(old | mask & KEPT, Ordering::Relaxed);
            return Ok(watch.number);
        }
        let room = Room::take(&self.user_watches)?;
        let number = self.watches.with(|watches| -> Result<i32> {
            watches.last = watches.last.checked_add(1).ok_or(Errno::ENOSPC)?;
            Ok(watches.last)
        })?;
        let watch = Arc::new(Watch {
            number,
            mask: AtomicU32::new(mask & KEPT),
            queue: self.queue.clone(),
            owner: self.me.clone(),
            is_spent: AtomicBool::new(false),
        });
        let held = Held { watch: watch.clone(), _room: room, inode: inode.clone() };
        self.watches.with(|watches| watches.held.insert(number, held));
        if let Err(error) = inode.base().watchers.add(&watch) {
            let held = self.watches.with(|watches| watches.held.remove(&number));
            drop(held);
            return Err(error);
        }
        Ok(number)
    }

    /// Watches no longer. EINVAL if there is no such watch.
    pub fn remove(&self, number: i32) -> Result<()> {
        let watch = self.watches.with(|watches| watches.held.get(&number).map(|held| held.watch.clone()));
        watch.ok_or(Errno::EINVAL)?.take_away();
        Ok(())
    }

    /// Takes the next event if it fits into `room` bytes; EINVAL if it does not.
    fn next(&self, room: usize) -> Option<Result<Event>> {
        self.queue.events.with(|events| {
            let fits = events.front()?.bytes() <= room;
            if fits { events.pop_front().map(Ok) } else { Some(Err(Errno::EINVAL)) }
        })
    }

    fn has_events(&self) -> bool {
        self.queue.events.with(|events| !events.is_empty())
    }
}

impl File for Inotify {
    fn is_stream(&self) -> bool {
        true
    }

    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let before = to.left();
        loop {
            match self.next(to.left()) {
                Some(Ok(event)) => {
                    let length = event.name_bytes();
                    let mut header = [0; HEADER_BYTES];
                    // CAST: a name's length, and the bits of a number.
                    let words = [event.watch as u32, event.mask, event.cookie, length as u32];
                    for (place, word) in header.chunks_exact_mut(4).zip(words) {
                        place.copy_from_slice(&word.to_ne_bytes());
                    }
                    to.put(cx, &header)?;
                    to.put(cx, &event.name)?;
                    to.put_zeros(cx, length - event.name.len())?;
                }
                Some(Err(_)) if to.left() < before => return Ok(()),
                Some(Err(error)) => return Err(error),
                None if to.left() < before => return Ok(()),
                None if open.is_non_blocking() => return Err(Errno::EAGAIN),
                None => {
                    let how = Wait::interruptible("inotify");
                    self.queue.readable.wait(cx, how, |_| self.has_events().then_some(()))?;
                }
            }
        }
    }

    fn poll(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        PollEvents::NONE.and_if(self.has_events(), PollEvents::IN)
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.queue.readable), None]
    }

    fn listeners(&self, _open: &OpenFile) -> [Option<&Listeners>; 2] {
        [Some(&self.queue.listeners), None]
    }

    fn ioctl(&self, cx: &mut CurrentThread, _open: &OpenFile, request: u32, argument: UserAddr) -> Result<u64> {
        if request != abi::ioctl::FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let bytes: usize = self.queue.events.with(|events| events.iter().map(Event::bytes).sum());
        // CAST: at most 16,384 events of less than 300 bytes.
        UserPtr::<i32>::new(argument).write(cx, &(bytes as i32))?;
        Ok(0)
    }

    fn details(&self, _cx: &CurrentThread) -> Option<String> {
        let mut text = String::new();
        let mut last = 0;
        // One at a time: text is not made under the lock.
        while let Some((number, inode, mask)) = self.watches.with(|watches| {
            let (number, held) = watches.held.range(last + 1..).next()?;
            Some((*number, held.inode.base().number, held.watch.mask.load(Ordering::Relaxed)))
        }) {
            last = number;
            let _ = writeln!(text, "inotify wd:{number:x} ino:{inode:x} mask:{mask:x} ignored_mask:0");
        }
        Some(text)
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        let watches = self.watches.with(core::mem::take);
        for held in watches.held.values() {
            held.inode.base().watchers.remove(&held.watch);
        }
    }
}
