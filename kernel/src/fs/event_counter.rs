//! `eventfd`: a counter that is read to take and written to add.
//!
//! Main type: [`EventCounter`]. One spin lock around the counter, one queue for both directions.
use super::anonymous::AnonymousInode;
use super::file::{File, PollEvents};
use super::inode::FileKind;
use super::open_file::OpenFile;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::lock_order;
use abi::linux::O_RDWR;
use alloc::sync::Arc;
use machine::sync::{SpinLock, Wait, WaitQueue};
use machine::thread::CurrentThread;

/// Largest value the counter may have.
const MOST: u64 = u64::MAX - 1;

/// A counter.
pub struct EventCounter {
    value: SpinLock<u64>,
    is_semaphore: bool,
    changed: WaitQueue,
}

impl EventCounter {
    /// An open counter. `flags`: O_NONBLOCK or nothing.
    pub fn open(initial: u64, is_semaphore: bool, flags: u32) -> Arc<OpenFile> {
        let value = SpinLock::new(&lock_order::EVENT_COUNTER, initial);
        let counter = Arc::new(EventCounter { value, is_semaphore, changed: WaitQueue::new() });
        // LINUX: the inode of such objects has no type; a character device is the nearest kind there is here.
        let inode = AnonymousInode::new(FileKind::CharDevice, 0o600, None);
        OpenFile::anonymous(b"anon_inode:[eventfd]", inode, counter, flags | O_RDWR)
    }

    fn try_take(&self, cx: &CurrentThread) -> Option<u64> {
        let mut value = self.value.lock(cx);
        if *value == 0 {
            return None;
        }
        let taken = if self.is_semaphore { 1 } else { *value };
        *value -= taken;
        Some(taken)
    }

    fn try_add(&self, cx: &CurrentThread, more: u64) -> Option<()> {
        let mut value = self.value.lock(cx);
        let sum = value.checked_add(more).filter(|&sum| sum <= MOST)?;
        *value = sum;
        Some(())
    }
}

impl File for EventCounter {
    fn is_stream(&self) -> bool {
        true
    }

    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        if to.left() < 8 {
            return Err(Errno::EINVAL);
        }
        let taken = match self.try_take(cx) {
            Some(taken) => taken,
            None if open.is_non_blocking() => return Err(Errno::EAGAIN),
            None => self.changed.wait(cx, Wait::interruptible("an event"), |cx| self.try_take(cx))?,
        };
        self.changed.wake_all();
        to.put(cx, &taken.to_ne_bytes())
    }

    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        if from.left() < 8 {
            return Err(Errno::EINVAL);
        }
        // Taken from a copy: if nothing is added, nothing was written.
        let mut rest = from.clone();
        let mut word = [0; 8];
        rest.take(cx, &mut word)?;
        let more = u64::from_ne_bytes(word);
        let outcome = if more > MOST {
            Err(Errno::EINVAL)
        } else if self.try_add(cx, more).is_some() {
            Ok(())
        } else if open.is_non_blocking() {
            Err(Errno::EAGAIN)
        } else {
            self.changed
                .wait(cx, Wait::interruptible("room in an event counter"), |cx| self.try_add(cx, more))
                .map_err(Errno::from)
        };
        outcome?;
        *from = rest;
        self.changed.wake_all();
        Ok(())
    }

    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let value = *self.value.lock(cx);
        PollEvents::NONE.and_if(value > 0, PollEvents::IN).and_if(value < MOST, PollEvents::OUT)
    }

    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.changed), None]
    }
}
