//! Restartable sequences: a stretch of user code that either runs to its end on one CPU undisturbed, or goes on at another place.
//!
//! A thread registers an area in its memory ([`Registration`]). After each switch, and before a signal's handler, the kernel looks there
//! ([`fix_up`], [`before_handler`]): if the thread is within the sequence that the area names, it is sent to the place that the sequence
//! names for this; and the number of the CPU is written there whenever it has changed.
//! Locks: none; only the thread itself uses its registration.
use crate::errno::{Errno, Result};
use crate::signal::Signal;
use crate::signal::fault;
use crate::syscall::Call;
use crate::user_memory::{UserPtr, UserSlice};
use abi::{RseqSequence, Siginfo};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use machine::addr::{USER_END, UserAddr};

/// Bytes of the area as it first was; registrations of other sizes must have room for every field.
const FIRST_BYTES: u32 = 32;
/// Where the last field ends, and how an area of another size must lie.
const LEAST_BYTES: u32 = 28;
const ALIGN: usize = 32;
/// Offsets in the area.
const CPU_START: usize = 0;
const CPU: usize = 4;
const SEQUENCE: usize = 8;
const NODE: usize = 20;
const CONCURRENCY: usize = 24;
/// The CPU's number in an area that is not registered.
const UNREGISTERED: u32 = u32::MAX;
/// Not written yet.
const UNKNOWN: u32 = u32::MAX;

/// What a thread has registered; nothing while the address is null.
pub struct Registration {
    area: AtomicUsize,
    bytes: AtomicU32,
    signature: AtomicU32,
    /// The CPU's number that was written last.
    told_cpu: AtomicU32,
}

impl Registration {
    /// None.
    pub const fn none() -> Registration {
        Registration {
            area: AtomicUsize::new(0),
            bytes: AtomicU32::new(0),
            signature: AtomicU32::new(0),
            told_cpu: AtomicU32::new(UNKNOWN),
        }
    }

    fn area(&self) -> Option<UserAddr> {
        let area = UserAddr(self.area.load(Ordering::Relaxed));
        (!area.is_null()).then_some(area)
    }

    /// Whether there is one.
    pub fn is_there(&self) -> bool {
        self.area().is_some()
    }

    /// Takes over another thread's: the child of a fork has its memory at the same place.
    pub fn copy_from(&self, other: &Registration) {
        self.area.store(other.area.load(Ordering::Relaxed), Ordering::Relaxed);
        self.bytes.store(other.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        self.signature.store(other.signature.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Forgets it (exec).
    pub fn clear(&self) {
        self.area.store(0, Ordering::Relaxed);
        self.told_cpu.store(UNKNOWN, Ordering::Relaxed);
    }
}

/// Registers an area of the calling thread.
pub fn register(call: &mut Call<'_>, area: UserAddr, bytes: u32, signature: u32) -> Result<()> {
    let own = &call.task.rseq;
    if let Some(known) = own.area() {
        return Err(if known != area || own.bytes.load(Ordering::Relaxed) != bytes {
            Errno::EINVAL
        } else if own.signature.load(Ordering::Relaxed) != signature {
            Errno::EPERM
        } else {
            Errno::EBUSY
        });
    }
    if area.is_null() || bytes < LEAST_BYTES || bytes < FIRST_BYTES || !area.0.is_multiple_of(ALIGN) {
        return Err(Errno::EINVAL);
    }
    // CAST: usize is 64 bits on both architectures.
    UserSlice::new(area, bytes as usize).check()?;
    own.bytes.store(bytes, Ordering::Relaxed);
    own.signature.store(signature, Ordering::Relaxed);
    own.told_cpu.store(UNKNOWN, Ordering::Relaxed);
    own.area.store(area.0, Ordering::Relaxed);
    // The area is filled in on the way back to the program.
    call.cx.thread().watch_switches(true);
    Ok(())
}

/// Takes the registration back.
pub fn unregister(call: &mut Call<'_>, area: UserAddr, bytes: u32, signature: u32) -> Result<()> {
    let own = &call.task.rseq;
    if own.area() != Some(area) || own.bytes.load(Ordering::Relaxed) != bytes {
        return Err(Errno::EINVAL);
    }
    if own.signature.load(Ordering::Relaxed) != signature {
        return Err(Errno::EPERM);
    }
    write_numbers(call, area, 0, UNREGISTERED)?;
    own.clear();
    call.cx.thread().watch_switches(false);
    Ok(())
}

fn write_numbers(call: &mut Call<'_>, area: UserAddr, start: u32, cpu: u32) -> Result<()> {
    let field = |offset| UserPtr::<u32>::new(UserAddr(area.0 + offset));
    field(CPU_START).write(call.cx, &start)?;
    field(CPU).write(call.cx, &cpu)?;
    field(NODE).write(call.cx, &0)?;
    field(CONCURRENCY).write(call.cx, &0)
}

/// After a switch: sends the thread out of its sequence, and tells it which CPU it is on. A thread that has spoilt its
/// area gets SIGSEGV, as on Linux.
pub(crate) fn fix_up(call: &mut Call<'_>) {
    let Some(area) = call.task.rseq.area() else { return };
    let told = leave_sequence(call, area).and_then(|()| {
        let cpu = machine::cpu::current().0;
        if call.task.rseq.told_cpu.load(Ordering::Relaxed) != cpu {
            write_numbers(call, area, cpu, cpu)?;
            call.task.rseq.told_cpu.store(cpu, Ordering::Relaxed);
        }
        Ok(())
    });
    if told.is_err() {
        spoilt(call);
    }
}

/// Before a handler's frame is built: the interrupted place must not be within a sequence.
pub(crate) fn before_handler(call: &mut Call<'_>) {
    if let Some(area) = call.task.rseq.area()
        && leave_sequence(call, area).is_err()
    {
        spoilt(call);
    }
}

fn spoilt(call: &mut Call<'_>) {
    fault::force(call.cx, call.task, Signal::SIGSEGV, Siginfo::kernel(Signal::SIGSEGV.number()));
}

fn leave_sequence(call: &mut Call<'_>, area: UserAddr) -> Result<()> {
    let name = UserPtr::<u64>::new(UserAddr(area.0 + SEQUENCE));
    let at = name.read(call.cx)?;
    if at == 0 {
        return Ok(());
    }
    // CAST: usize is 64 bits on both architectures.
    let sequence = UserPtr::<RseqSequence>::new(UserAddr(at as usize)).read(call.cx)?;
    let end = USER_END as u64;
    let is_sound = sequence.version == 0
        && sequence.start < end
        && sequence.bytes < end
        && sequence.abort < end
        && sequence.abort.wrapping_sub(sequence.start) >= sequence.bytes;
    if !is_sound {
        return Err(Errno::EINVAL);
    }
    // The word before the place to go to must be the registered one, so that a stray write cannot send the thread anywhere.
    let signature_at = UserAddr((sequence.abort as usize).wrapping_sub(size_of::<u32>()));
    if UserPtr::<u32>::new(signature_at).read(call.cx)? != call.task.rseq.signature.load(Ordering::Relaxed) {
        return Err(Errno::EINVAL);
    }
    let is_within = (call.user.pc() as u64).wrapping_sub(sequence.start) < sequence.bytes;
    if is_within && sequence.flags != 0 {
        return Err(Errno::EINVAL);
    }
    // Within or not, it is over.
    name.write(call.cx, &0)?;
    if is_within {
        call.user.set_pc(sequence.abort as usize);
    }
    Ok(())
}
