//! Faults of the program as signals: which signal, which `si_code`, and that it cannot be escaped: a blocked or ignored one
//! ends the process.
use super::actions::{DEFAULT, IGNORE};
use super::set::Signal;
use crate::mm::FaultError;
use crate::task::Task;
use crate::trace::{self, probe};
use abi::arch::frame::FaultRecord;
use abi::{Sigaction, Siginfo};
use machine::addr::UserAddr;
use machine::thread::CurrentThread;
use machine::user::{AccessKind, Exception, PageFault};

const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;
const ILL_ILLOPC: i32 = 1;
const ILL_ILLOPN: i32 = 2;
const FPE_INTDIV: i32 = 1;
const TRAP_BRKPT: i32 = 1;
const TRAP_TRACE: i32 = 2;
const SI_KERNEL: i32 = 0x80;

/// Makes the running thread take `info`'s signal: a blocked or ignored one gets its default action back and is unblocked.
pub(crate) fn force(cx: &CurrentThread, task: &Task, signal: Signal, info: Siginfo) {
    let actions = task.process().signals.actions();
    let action = actions.get(signal);
    let is_blocked = task.signals.blocked().contains(signal);
    if is_blocked || action.handler == IGNORE {
        actions.set(signal, Sigaction { handler: DEFAULT, ..action });
        task.signals.store_blocked(task.signals.blocked().without(signal.mask()));
    }
    task.signals.with_pending(|pending| pending.add(signal, info, None));
    cx.thread().notify();
}

/// A frame could not be written or read: SIGSEGV, and the end if that was the signal being delivered.
pub(super) fn frame_failed(cx: &CurrentThread, task: &Task, delivering: Signal) {
    if delivering == Signal::SIGSEGV {
        let actions = task.process().signals.actions();
        let action = actions.get(Signal::SIGSEGV);
        actions.set(Signal::SIGSEGV, Sigaction { handler: DEFAULT, ..action });
    }
    force(cx, task, Signal::SIGSEGV, Siginfo::kernel(Signal::SIGSEGV.number()));
}

/// A page fault that memory management could not resolve.
pub(crate) fn page_fault(cx: &CurrentThread, task: &Task, fault: PageFault, error: FaultError) {
    let address = fault.addr.0 as u64;
    let (signal, code) = match error {
        FaultError::NotMapped => (Signal::SIGSEGV, SEGV_MAPERR),
        FaultError::Forbidden => (Signal::SIGSEGV, SEGV_ACCERR),
        FaultError::BeyondFile | FaultError::ReadFailed => (Signal::SIGBUS, BUS_ADRERR),
        // LINUX: the out-of-memory killer ends a process of its choice; ours ends the one that asked.
        FaultError::OutOfMemory => {
            task.process().begin_exit(cx, Signal::SIGKILL.number());
            return;
        }
    };
    // x86-64's error code: present, write, user, fetch. ARM64 shows a syndrome there, which programs use for write or not.
    let write = fault.kind == AccessKind::Write;
    let code_word =
        u64::from(fault.is_present) | u64::from(write) << 1 | 4 | u64::from(fault.kind == AccessKind::Execute) << 4;
    task.signals.set_fault(FaultRecord { address, code: machine_code(code_word, write), vector: 14 });
    raise(cx, task, signal, code, address);
}

/// Makes the signal of a fault.
fn raise(cx: &CurrentThread, task: &Task, signal: Signal, code: i32, address: u64) {
    // CAST: a signal's number is positive; addresses have as many bits as usize.
    probe!(trace::proc::fault(task.tid(), signal.number() as u32, code, UserAddr(address as usize)));
    force(cx, task, signal, Siginfo::fault(signal.number(), code, address));
}

/// The error word as each architecture shows it.
fn machine_code(x86_64: u64, is_write: bool) -> u64 {
    const DATA_ABORT: u64 = 0x24 << 26 | 1 << 25;
    if machine::cpu::ARCH_NAME == "x86_64" { x86_64 } else { DATA_ABORT | u64::from(is_write) << 6 }
}

/// A single step went over a system call, which no hardware tells of.
pub(crate) fn stepped_over_call(cx: &CurrentThread, task: &Task, pc: usize) {
    force(cx, task, Signal::SIGTRAP, Siginfo::fault(Signal::SIGTRAP.number(), TRAP_BRKPT, pc as u64));
}

/// Another fault of the program; `pc` is the instruction.
pub(crate) fn exception(cx: &CurrentThread, task: &Task, exception: Exception, pc: usize) {
    let pc = pc as u64;
    let (signal, code, address) = match exception {
        Exception::DivideError => (Signal::SIGFPE, FPE_INTDIV, pc),
        // LINUX: x86-64 blames the operand, ARM64 the instruction.
        Exception::IllegalInstruction if machine::cpu::ARCH_NAME == "x86_64" => (Signal::SIGILL, ILL_ILLOPN, pc),
        Exception::IllegalInstruction => (Signal::SIGILL, ILL_ILLOPC, pc),
        // LINUX: x86-64's int3 says SI_KERNEL and no address; ARM64 says TRAP_BRKPT.
        Exception::Breakpoint if machine::cpu::ARCH_NAME == "x86_64" => (Signal::SIGTRAP, SI_KERNEL, 0),
        Exception::Breakpoint => (Signal::SIGTRAP, TRAP_BRKPT, pc),
        Exception::DebugStep => (Signal::SIGTRAP, TRAP_TRACE, pc),
        Exception::FloatingPoint(code) => (Signal::SIGFPE, code, pc),
        Exception::Misaligned(addr) => (Signal::SIGBUS, BUS_ADRALN, addr.0 as u64),
        Exception::GeneralProtection => (Signal::SIGSEGV, SI_KERNEL, 0),
        Exception::BadAddress(addr) => (Signal::SIGSEGV, SEGV_MAPERR, addr.0 as u64),
    };
    task.signals.set_fault(FaultRecord { address, code: 0, vector: 0 });
    raise(cx, task, signal, code, address);
}
