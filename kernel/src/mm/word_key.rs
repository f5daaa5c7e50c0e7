//! What a futex's address stands for.
//!
//! A word in private memory is known by its address space and address; a word in shared memory by its frame, so that all who
//! map it mean the same. The frame stays the same while anyone waits: its page is mapped and in a cache.
use super::error::{FaultError, MapError};
use super::space::AddressSpace;
use crate::errno::Errno;
use machine::addr::UserAddr;
use machine::thread::CurrentThread;
use machine::user::{AccessKind, PageFault};

/// The identity of a word of memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WordKey {
    /// Of one address space (by its object's address) at one address.
    Private(usize, usize),
    /// Of a frame, at an offset.
    Shared(u64, usize),
}

impl AddressSpace {
    /// The key of a word that the program says is private.
    pub fn private_word(&self, addr: UserAddr) -> WordKey {
        WordKey::Private(core::ptr::from_ref(self).addr(), addr.0)
    }
    /// The key of a word that may be shared. EFAULT if nothing is mapped there.
    pub fn word_key(&self, cx: &mut CurrentThread, addr: UserAddr) -> Result<WordKey, Errno> {
        let page = addr.page_floor();
        loop {
            {
                let memory = self.memory.lock(cx);
                let area = memory.areas.find(page.0).ok_or(Errno::EFAULT)?;
                if !area.value.is_shared {
                    return Ok(self.private_word(addr));
                }
                if let Some(frame) = memory.table.frame(page) {
                    return Ok(WordKey::Shared(frame.addr().0, addr.page_offset()));
                }
            }
            self.resolve(cx, PageFault { addr: page, kind: AccessKind::Read, is_present: false }).map_err(|error| {
                match error {
                    FaultError::OutOfMemory => Errno::from(MapError::OutOfMemory),
                    _ => Errno::EFAULT,
                }
            })?;
        }
    }
}
