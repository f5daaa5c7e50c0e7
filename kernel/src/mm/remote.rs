//! Reading and writing another process's memory: for /proc (command line, environment, `mem`), debuggers, and
//! `process_vm_readv` and its like.
use super::error::FaultError;
use super::space::AddressSpace;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::{Frame, FrameKind};
use machine::thread::CurrentThread;
use machine::user::{AccessKind, PageFault};

/// What a write may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Force {
    /// What the program itself could write.
    No,
    /// Private memory whatever it allows: a debugger puts breakpoints into code.
    Private,
    /// The same, and no other memory even if the program could write it: what is written is for this program alone.
    PrivateOnly,
}

fn fault(addr: UserAddr, kind: AccessKind) -> PageFault {
    PageFault { addr, kind, is_present: false }
}

impl AddressSpace {
    /// Copies from this space's memory, whoever runs; pages come in as if the program had read them. Answers how many bytes
    /// there were before one that cannot be read.
    pub fn read_memory(&self, cx: &mut CurrentThread, addr: UserAddr, to: &mut [u8]) -> Result<usize, FaultError> {
        let mut done = 0;
        while done < to.len() {
            let Some(at) = addr.checked_add(done) else { break };
            let bytes = (to.len() - done).min(PAGE_SIZE - at.page_offset());
            match self.resolve(cx, fault(at, AccessKind::Read)) {
                Ok(()) => {}
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            // Another thread may have unmapped it since: then this is the end of what can be read.
            let Some(frame) = self.memory.lock(cx).table.frame(at.page_floor()) else { break };
            frame.read(at.page_offset(), &mut to[done..done + bytes]);
            done += bytes;
        }
        Ok(done)
    }

    /// Copies into this space's memory, whoever runs. Answers how many bytes were written before one that cannot be.
    pub fn poke_memory(
        &self,
        cx: &mut CurrentThread,
        addr: UserAddr,
        from: &[u8],
        force: Force,
    ) -> Result<usize, FaultError> {
        let mut done = 0;
        while done < from.len() {
            let Some(at) = addr.checked_add(done) else { break };
            let bytes = (from.len() - done).min(PAGE_SIZE - at.page_offset());
            match self.write_piece(cx, at, &from[done..done + bytes], force) {
                Ok(()) => done += bytes,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Writes within one page.
    fn write_piece(&self, cx: &mut CurrentThread, at: UserAddr, piece: &[u8], force: Force) -> Result<(), FaultError> {
        loop {
            match self.resolve(cx, fault(at, AccessKind::Write)) {
                Ok(()) => {
                    let memory = self.memory.lock(cx);
                    let page = at.page_floor();
                    if force == Force::PrivateOnly && memory.areas.find(page.0).is_none_or(|area| area.value.is_shared)
                    {
                        return Err(FaultError::Forbidden);
                    }
                    // Another thread may have forked or unmapped it since.
                    if memory.table.query(page).is_some_and(|mapped| mapped.access.is_writable)
                        && let Some(frame) = memory.table.frame(page)
                    {
                        frame.write(at.page_offset(), piece);
                        return Ok(());
                    }
                }
                Err(FaultError::Forbidden) if force != Force::No => {
                    self.resolve(cx, fault(at, AccessKind::Read))?;
                    if self.replace_page(cx, at, piece)? {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives a private page that may not be written a copy with other bytes in it. False if the page has gone meanwhile.
    fn replace_page(&self, cx: &mut CurrentThread, at: UserAddr, piece: &[u8]) -> Result<bool, FaultError> {
        let page = at.page_floor();
        let mut memory = self.memory.lock(cx);
        let area = memory.areas.find(page.0).ok_or(FaultError::NotMapped)?;
        if area.value.is_shared {
            return Err(FaultError::Forbidden);
        }
        let access = area.value.protection.access(false);
        let Some(old) = memory.table.frame(page) else { return Ok(false) };
        let copy = Frame::allocate(FrameKind::Anonymous)?;
        copy.copy_from(&old);
        copy.write(at.page_offset(), piece);
        memory.table.replace(cx, page, copy, access)?;
        memory.note_own_page(page);
        Ok(true)
    }
}
