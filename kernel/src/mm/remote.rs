//! Reading another process's memory, for /proc (command line, environment, mem).
use super::error::FaultError;
use super::space::AddressSpace;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::thread::CurrentThread;
use machine::user::{AccessKind, PageFault};

impl AddressSpace {
    /// Copies from this space's memory, whoever runs; pages come in as if the program had read them. Answers how many bytes
    /// there were before one that cannot be read.
    pub fn read_memory(&self, cx: &mut CurrentThread, addr: UserAddr, to: &mut [u8]) -> Result<usize, FaultError> {
        let mut done = 0;
        while done < to.len() {
            let Some(at) = addr.checked_add(done) else { break };
            let bytes = (to.len() - done).min(PAGE_SIZE - at.page_offset());
            let fault = PageFault { addr: at, kind: AccessKind::Read, is_present: false };
            match self.resolve(cx, fault) {
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
}
