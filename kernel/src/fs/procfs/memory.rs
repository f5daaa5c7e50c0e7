//! `/proc/PID/mem`: a process's memory as a file, the address being the position. For debuggers: what is private can be written
//! whatever it allows.
use super::process::Subject;
use crate::errno::{Errno, Result};
use crate::fs::file::File;
use crate::fs::open_file::OpenFile;
use crate::fs::transfer::{Sink, Source};
use crate::mm::AddressSpace;
use crate::mm::remote::Force;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::thread::CurrentThread;

/// The memory a process had when the file was opened: not that of a program it executes later, and none once it is given up.
pub(super) struct MemoryFile {
    space: Weak<AddressSpace>,
}

impl MemoryFile {
    /// EACCES unless the caller may trace the process.
    pub(super) fn open(cx: &CurrentThread, subject: &Subject) -> Result<Arc<dyn File>> {
        let space = subject.inspected_space(cx)?.ok_or(Errno::ESRCH)?;
        Ok(Arc::new(MemoryFile { space: Arc::downgrade(&space) }))
    }
}

fn buffer(bytes: usize) -> Result<Vec<u8>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes.min(PAGE_SIZE))?;
    buffer.resize(bytes.min(PAGE_SIZE), 0);
    Ok(buffer)
}

/// CAST: usize is 64 bits on both architectures.
fn address(offset: u64) -> UserAddr {
    UserAddr(offset as usize)
}

impl File for MemoryFile {
    fn read(&self, cx: &mut CurrentThread, _open: &OpenFile, offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let Some(space) = self.space.upgrade() else { return Ok(()) };
        let mut buffer = buffer(to.left())?;
        while to.left() != 0 {
            let wanted = to.left().min(buffer.len());
            let read = space.read_memory(cx, address(*offset), &mut buffer[..wanted]).map_err(|_| Errno::EIO)?;
            to.put(cx, &buffer[..read])?;
            *offset += read as u64;
            if read < wanted {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, cx: &mut CurrentThread, _open: &OpenFile, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        let Some(space) = self.space.upgrade() else { return Ok(()) };
        let mut buffer = buffer(from.left())?;
        while from.left() != 0 {
            let wanted = from.left().min(buffer.len());
            from.clone().take(cx, &mut buffer[..wanted])?;
            let place = address(*offset);
            let written = space.poke_memory(cx, place, &buffer[..wanted], Force::Private).map_err(|_| Errno::EIO)?;
            from.skip(written);
            *offset += written as u64;
            if written < wanted {
                break;
            }
        }
        Ok(())
    }
}
