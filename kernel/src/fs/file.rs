//! What an open file can do: the [`File`] trait, its poll bits, and the entries of directories.
//!
//! Main types: [`File`], implemented by each kind of open object (regular file, directory, pipe, device, event counter);
//! [`PollEvents`]. Called by the file calls through [`super::open_file::OpenFile`].
//!
//! # Invariants
//! `read` and `write` move `*offset` themselves, so that appending and streams need no second convention. They make
//! progress known through their source or sink: bytes moved before an error count, the error is then forgotten.
use super::file_lock::TableId;
use super::listeners::Listeners;
use super::listing::Listing;
use super::open_file::OpenFile;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use crate::signal::readiness::Whom;
use alloc::string::String;
use core::any::Any;
use machine::addr::UserAddr;
use machine::sync::WaitQueue;
use machine::thread::CurrentThread;

/// Readiness bits as `poll` has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PollEvents(pub u32);

impl PollEvents {
    /// Nothing.
    pub const NONE: PollEvents = PollEvents(0);
    /// Data can be read, or the end of file.
    pub const IN: PollEvents = PollEvents(0x1 | 0x40);
    /// Something out of the ordinary can be read.
    pub const PRIORITY: PollEvents = PollEvents(0x2);
    /// Data can be written.
    pub const OUT: PollEvents = PollEvents(0x4 | 0x100);
    /// Something failed, or nobody will ever read.
    pub const ERROR: PollEvents = PollEvents(0x8);
    /// The other side has gone.
    pub const HANG_UP: PollEvents = PollEvents(0x10);
    /// Not an open descriptor.
    pub const INVALID: PollEvents = PollEvents(0x20);
    /// Ready for everything, as regular files always are.
    pub const ALWAYS: PollEvents = PollEvents(Self::IN.0 | Self::OUT.0);

    /// Both.
    pub const fn and(self, other: PollEvents) -> PollEvents {
        PollEvents(self.0 | other.0)
    }
    /// `other` if `condition` holds, besides what is there.
    pub const fn and_if(self, condition: bool, other: PollEvents) -> PollEvents {
        if condition { self.and(other) } else { self }
    }
}

/// What an open file can do. Defaults answer what Linux answers where the kind has no such operation.
pub trait File: Any + Send + Sync {
    /// Whether it has no position: reads and writes do not touch an offset, and `pread` and `lseek` fail with ESPIPE.
    fn is_stream(&self) -> bool {
        false
    }

    /// Reads at `*offset` and moves it.
    fn read(&self, _cx: &mut CurrentThread, _open: &OpenFile, _offset: &mut u64, _to: &mut Sink<'_>) -> Result<()> {
        Err(Errno::EINVAL)
    }

    /// Writes at `*offset`, or at the end for O_APPEND, and moves it.
    fn write(
        &self,
        _cx: &mut CurrentThread,
        _open: &OpenFile,
        _offset: &mut u64,
        _from: &mut Source<'_>,
    ) -> Result<()> {
        Err(Errno::EINVAL)
    }

    /// Reads what is there without waiting (RWF_NOWAIT). Kinds that cannot tell beforehand whether they would wait refuse.
    fn read_now(&self, _cx: &mut CurrentThread, _open: &OpenFile, _to: &mut Sink<'_>) -> Result<()> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Writes what there is room for without waiting (RWF_NOWAIT).
    fn write_now(&self, _cx: &mut CurrentThread, _open: &OpenFile, _from: &mut Source<'_>) -> Result<()> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Writes at the end and moves `*offset` behind it (RWF_APPEND): for what has no end that is any write.
    fn append(&self, cx: &mut CurrentThread, open: &OpenFile, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        self.write(cx, open, offset, from)
    }

    /// Readiness now.
    fn poll(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        PollEvents::ALWAYS
    }

    /// Where pollers wait for a change of readiness.
    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [None, None]
    }

    /// Who listens to what this description tells by signals (O_ASYNC). Kinds that tell nothing have no such list.
    fn listeners(&self, _open: &OpenFile) -> [Option<&Listeners>; 2] {
        [None, None]
    }

    /// Who is told by those signals if the program has not said so.
    fn default_owner(&self, _cx: &CurrentThread) -> Option<Whom> {
        None
    }

    /// Device control.
    fn ioctl(&self, _cx: &mut CurrentThread, _open: &OpenFile, _request: u32, _argument: UserAddr) -> Result<u64> {
        Err(Errno::ENOTTY)
    }

    /// Lists the entries that are wanted; stops when one is not taken.
    fn read_directory(&self, _cx: &mut CurrentThread, _open: &OpenFile, _listing: &mut Listing<'_>) -> Result<()> {
        Err(Errno::ENOTDIR)
    }

    /// A change of position: the file may refuse. `end` is the size where that makes sense.
    fn seek_end(&self, _cx: &mut CurrentThread, open: &OpenFile) -> Result<u64> {
        Ok(open.inode().size_bytes())
    }

    /// Writes back what is not yet stable.
    fn sync(&self, _cx: &mut CurrentThread) -> Result<()> {
        Ok(())
    }

    /// Further lines of `/proc/PID/fdinfo/FD`.
    fn details(&self, _cx: &CurrentThread) -> Option<String> {
        None
    }

    /// A descriptor of this description in a table was closed. Runs in destructors: must not sleep.
    fn closed(&self, _table: TableId) {}

    /// The last descriptor of this description has gone. Runs in a destructor: must not sleep.
    fn released(&self, _open: &OpenFile) {}
}

impl dyn File {
    /// For finding the own type again.
    pub fn as_any(&self) -> &dyn Any {
        self
    }
}
