//! The devices without hardware: `null`, `zero`, `full`, `random`, `urandom`, `kmsg`.
//!
//! Registered by [`register_all`] at start. Numbers and behaviour as `null(4)`, `full(4)` and `random(4)` say.
use super::device;
use super::file::{File, PollEvents};
use super::inode::DeviceNumber;
use super::open_file::OpenFile;
use super::path::Path;
use super::transfer::{Sink, Source};
use crate::errno::{Errno, Result};
use alloc::sync::Arc;
use machine::thread::CurrentThread;

/// Which of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryDevice {
    /// Ends at once, swallows everything.
    Null,
    /// Zeros without end, swallows everything.
    Zero,
    /// Zeros without end, never has room.
    Full,
    /// Random bytes; what is written is mixed in.
    Random,
    /// The kernel's log.
    KernelLog,
}

/// Random bytes made at a time.
const CHUNK: usize = 256;

/// Makes them known.
pub(super) fn register_all(cx: &mut CurrentThread) -> Result<()> {
    let all = [
        ("null", 3, 0o666, MemoryDevice::Null),
        ("zero", 5, 0o666, MemoryDevice::Zero),
        ("full", 7, 0o666, MemoryDevice::Full),
        ("random", 8, 0o666, MemoryDevice::Random),
        ("urandom", 9, 0o666, MemoryDevice::Random),
        ("kmsg", 11, 0o644, MemoryDevice::KernelLog),
    ];
    for (name, minor, permissions, which) in all {
        let open = Arc::new(move |_: &mut CurrentThread, _: &Path, _| Ok(Arc::new(which) as Arc<dyn File>));
        device::register(cx, name, DeviceNumber::new(1, minor), permissions, open)?;
    }
    Ok(())
}

impl File for MemoryDevice {
    fn read(&self, cx: &mut CurrentThread, _open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        match self {
            MemoryDevice::Null | MemoryDevice::KernelLog => Ok(()),
            MemoryDevice::Zero | MemoryDevice::Full => to.put_zeros(cx, to.left()),
            MemoryDevice::Random => {
                let mut bytes = [0; CHUNK];
                while to.left() > 0 {
                    let part = &mut bytes[..to.left().min(CHUNK)];
                    machine::random::fill(part);
                    to.put(cx, part)?;
                    // LINUX: a signal ends it early, so that a long read can be ended; likewise a long write.
                    if cx.is_notified() {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    fn write(&self, cx: &mut CurrentThread, _open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        match self {
            MemoryDevice::Null | MemoryDevice::Zero => from.skip(from.left()),
            MemoryDevice::Full => return Err(Errno::ENOSPC),
            MemoryDevice::Random => {
                let mut bytes = [0; CHUNK];
                while from.left() > 0 {
                    let part = &mut bytes[..from.left().min(CHUNK)];
                    from.take(cx, part)?;
                    machine::random::add_entropy(part);
                    if cx.is_notified() {
                        break;
                    }
                }
            }
            MemoryDevice::KernelLog => {
                let mut line = [0; CHUNK];
                let part = &mut line[..from.left().min(CHUNK)];
                from.take(cx, part)?;
                machine::log!(Info, "{}", alloc::string::String::from_utf8_lossy(part).trim_end());
                from.skip(from.left());
            }
        }
        Ok(())
    }

    fn poll(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        PollEvents::ALWAYS
    }

    fn seek_end(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> Result<u64> {
        Ok(0)
    }
}
