//! An open terminal as a file of programs: the console, `/dev/tty`, the slave of a pseudo-terminal.
use super::terminal::Terminal;
use super::{control, ioctl, job_control};
use crate::errno::{Errno, Result};
use crate::fs::listeners::Listeners;
use crate::fs::{File, OpenFile, PollEvents, Sink, Source};
use crate::signal::readiness::Whom;
use crate::task::{Capability, Task};
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// Most bytes moved in one go.
const CHUNK_BYTES: usize = 4096;

/// An open terminal.
pub struct TerminalFile {
    terminal: Arc<Terminal>,
    /// The terminal's generation when it was opened.
    generation: u32,
}

impl TerminalFile {
    /// Opens it, with `O_*` flags. EIO for a pseudo-terminal that is locked or has lost its master, EBUSY for one that another
    /// keeps for itself.
    pub(crate) fn open(cx: &CurrentThread, terminal: &Arc<Terminal>, flags: u32) -> Result<Arc<TerminalFile>> {
        let may_administer = Task::current(cx).is_none_or(|task| task.credentials(cx).may(Capability::Admin));
        let generation = {
            let mut state = terminal.state.lock(cx);
            if state.is_locked || state.is_master_closed {
                return Err(Errno::EIO);
            }
            if state.is_exclusive && state.opens != 0 && !may_administer {
                return Err(Errno::EBUSY);
            }
            state.opens += 1;
            state.is_abandoned = false;
            state.generation
        };
        let file = Arc::new(TerminalFile { terminal: terminal.clone(), generation });
        control::take_when_opened(cx, terminal, flags);
        Ok(file)
    }

    fn is_live(&self, cx: &CurrentThread) -> bool {
        self.terminal.state.lock(cx).is_live(self.generation)
    }
}

impl Drop for TerminalFile {
    fn drop(&mut self) {
        self.terminal.state.with(|state| {
            state.opens -= 1;
            if state.opens == 0 {
                state.is_abandoned = true;
                state.is_exclusive = false;
            }
        });
        self.terminal.shown.wake_all();
    }
}

/// The calling process, as who is told by signals.
pub(super) fn current_process(cx: &CurrentThread) -> Option<Whom> {
    let task = Task::current(cx)?;
    Some(Whom::Process(task.process().pid(), Arc::downgrade(task.process())))
}

/// A buffer of at most [`CHUNK_BYTES`].
pub(super) fn buffer(bytes: usize) -> Result<Vec<u8>> {
    let bytes = bytes.min(CHUNK_BYTES);
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(bytes)?;
    buffer.resize(bytes, 0);
    Ok(buffer)
}

/// Gives `write` what is to be written, piece by piece, and notes how much of each it takes, which is never nothing.
pub(super) fn write_pieces(
    cx: &mut CurrentThread,
    from: &mut Source<'_>,
    mut write: impl FnMut(&mut CurrentThread, &[u8]) -> Result<usize>,
) -> Result<()> {
    let mut copy = buffer(from.left())?;
    while from.left() != 0 {
        let piece = from.left().min(copy.len());
        let piece = &mut copy[..piece];
        from.clone().take(cx, piece)?;
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let taken = write(cx, rest)?;
            from.skip(taken);
            rest = &rest[taken..];
        }
    }
    Ok(())
}

impl File for TerminalFile {
    fn is_stream(&self) -> bool {
        true
    }
    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let mut copy = buffer(to.left())?;
        let count = self.terminal.read(cx, self.generation, &mut copy, open.is_non_blocking())?;
        to.put(cx, &copy[..count])
    }
    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        if self.is_live(cx) {
            job_control::check_write(cx, &self.terminal)?;
        }
        let is_non_blocking = open.is_non_blocking();
        write_pieces(cx, from, |cx, piece| self.terminal.write(cx, self.generation, piece, is_non_blocking))
    }
    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        if !self.is_live(cx) {
            return PollEvents::ALWAYS.and(PollEvents::ERROR).and(PollEvents::HANG_UP);
        }
        let is_readable = self.terminal.is_poll_readable(cx);
        let is_writable = self.terminal.is_poll_writable(cx);
        PollEvents::NONE.and_if(is_readable, PollEvents::IN).and_if(is_writable, PollEvents::OUT)
    }
    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        let writable = self.terminal.backend.room().unwrap_or(&self.terminal.writable);
        [Some(&self.terminal.readable), Some(writable)]
    }
    fn listeners(&self, _open: &OpenFile) -> [Option<&Listeners>; 2] {
        [Some(&self.terminal.listeners), None]
    }
    fn default_owner(&self, cx: &CurrentThread) -> Option<Whom> {
        match self.terminal.foreground(cx) {
            0 => current_process(cx),
            group => Some(Whom::Group(group)),
        }
    }
    fn ioctl(&self, cx: &mut CurrentThread, open: &OpenFile, request: u32, argument: UserAddr) -> Result<u64> {
        if !self.is_live(cx) {
            return Err(if request == abi::ioctl::TIOCSPGRP { Errno::ENOTTY } else { Errno::EIO });
        }
        ioctl::of_terminal(cx, &self.terminal, open, request, argument)
    }
    fn seek_end(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> Result<u64> {
        Err(Errno::ESPIPE)
    }
}
