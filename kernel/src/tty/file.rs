//! An open terminal as a file.
use super::ioctl;
use super::terminal::Terminal;
use crate::errno::{Errno, Result};
use crate::fs::{File, OpenFile, PollEvents, Sink, Source};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use machine::addr::UserAddr;
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// Most bytes moved in one go.
const CHUNK_BYTES: usize = 4096;

/// An open terminal.
pub struct TerminalFile {
    terminal: Arc<Terminal>,
}

impl TerminalFile {
    /// Of this terminal.
    pub fn new(terminal: Arc<Terminal>) -> Arc<TerminalFile> {
        Arc::new(TerminalFile { terminal })
    }
    /// The terminal.
    pub fn terminal(&self) -> &Arc<Terminal> {
        &self.terminal
    }
}

/// A buffer of at most [`CHUNK_BYTES`].
fn buffer(bytes: usize) -> Result<Vec<u8>> {
    let bytes = bytes.min(CHUNK_BYTES);
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes)?;
    buffer.resize(bytes, 0);
    Ok(buffer)
}

impl File for TerminalFile {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn is_stream(&self) -> bool {
        true
    }
    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let mut copy = buffer(to.left())?;
        if copy.is_empty() {
            return Ok(());
        }
        let count = self.terminal.read(cx, &mut copy, open.is_non_blocking())?;
        to.put(cx, &copy[..count])
    }
    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        let mut copy = buffer(from.left())?;
        while from.left() != 0 {
            let piece = from.left().min(copy.len());
            let piece = &mut copy[..piece];
            self.terminal.check_write(cx, open.is_non_blocking())?;
            from.take(cx, piece)?;
            self.terminal.write(cx, piece)?;
        }
        Ok(())
    }
    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let is_readable = self.terminal.is_readable(cx);
        let is_stopped = self.terminal.state.lock(cx).discipline.is_stopped();
        PollEvents::NONE.and_if(is_readable, PollEvents::IN).and_if(!is_stopped, PollEvents::OUT)
    }
    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.terminal.readable), Some(&self.terminal.writable)]
    }
    fn ioctl(&self, cx: &mut CurrentThread, _open: &OpenFile, request: u32, argument: UserAddr) -> Result<u64> {
        ioctl::ioctl(cx, &self.terminal, request, argument)
    }
    fn seek_end(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> Result<u64> {
        Err(Errno::ESPIPE)
    }
}
