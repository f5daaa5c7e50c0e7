//! What happens to processes, as the guest tells it.
use super::bytes::{Reader, Writer};

/// What happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Happened {
    /// A task came to be; `words[0]` is its parent's pid. `name` is what it is called so far.
    Created = 1,
    /// A program was started: `name` is its comm, `path` the file.
    Executed = 2,
    /// A file was mapped to be executed: `words` are address, bytes, offset in the file; `path` the file.
    Mapped = 3,
    /// A task ended; `words[0]` is its wait status.
    Ended = 4,
    /// A task changed its comm to `name`.
    Renamed = 5,
}

/// Something that happened to a process: from these the reader learns which program and which files a thread's records and addresses
/// belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessEvent<'a> {
    /// What.
    pub what: Happened,
    /// The process.
    pub pid: u32,
    /// The task.
    pub tid: u32,
    /// The kernel's number of the task's thread, as records' heads have it.
    pub thread: u32,
    /// The raw clock.
    pub ticks: u64,
    /// See [`Happened`].
    pub words: [u64; 3],
    /// See [`Happened`].
    pub name: &'a [u8],
    /// See [`Happened`].
    pub path: &'a [u8],
}

impl<'a> ProcessEvent<'a> {
    /// Bytes that are enough for one with a path of ordinary length.
    pub const SHORT_BYTES: usize = 256;

    /// Appends it.
    pub fn encode(&self, out: &mut Writer<'_>) {
        out.u8(self.what as u8).u32(self.pid).u32(self.tid).u32(self.thread).u64(self.ticks);
        self.words.iter().for_each(|word| {
            out.u64(*word);
        });
        out.text(self.name).text(self.path);
    }
    /// Takes one from the front.
    pub fn decode(from: &mut Reader<'a>) -> Option<ProcessEvent<'a>> {
        let all = [Happened::Created, Happened::Executed, Happened::Mapped, Happened::Ended, Happened::Renamed];
        let number = from.u8()?;
        Some(ProcessEvent {
            what: all.into_iter().find(|what| *what as u8 == number)?,
            pid: from.u32()?,
            tid: from.u32()?,
            thread: from.u32()?,
            ticks: from.u64()?,
            words: [from.u64()?, from.u64()?, from.u64()?],
            name: from.text()?,
            path: from.text()?,
        })
    }
}
