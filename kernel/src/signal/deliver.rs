//! On the way back to the program: what a notified thread does before it runs user code again ([`attend`]), and the way out
//! of a handler ([`sys_rt_sigreturn`]).
use super::actions::{DEFAULT, IGNORE, flags};
use super::send;
use super::set::{DefaultAction, Signal, SignalSet};
use super::state::{STACK_AUTO_DISARM, STACK_DISABLED, TaskSignals};
use crate::errno::{Errno, Restart, Result};
use crate::ptrace;
use crate::syscall::{Call, strace};
use crate::task::rseq;
use crate::trace::{self, Counter, probe};
use crate::user_memory::UserSlice;
use abi::arch::frame::{FpGoes, FpPlace, FrameError, FrameInput};
use abi::arch::{self, HEAD_WORDS, RETURN_WORDS};
use abi::signal::SA_RESTORER;
use abi::{Sigaction, Siginfo, StackT};
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::sync::Wait;
use machine::user::FpMark;
use zerocopy::IntoBytes;

/// A system call that was interrupted, as it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted {
    /// How it wants to go on.
    pub restart: Restart,
    /// Its number.
    pub number: u64,
    /// Its first argument, whose register the result may have overwritten.
    pub first_argument: u64,
}

/// Attends to whatever the thread was notified of: ends, stops, takes signals. `Some(status)` if the thread is to end.
pub(crate) fn attend(call: &mut Call<'_>, mut interrupted: Option<Interrupted>) -> Option<i32> {
    loop {
        call.cx.take_notification();
        crate::tty::finish_hang_ups(call.cx);
        crate::fs::listeners::finish(call.cx);
        if let Some(status) = call.task.leaving() {
            return Some(status);
        }
        if call.task.tracing.is_traced()
            && (ptrace::stop::trap(call, &mut interrupted)
                || call.task.process().signals.is_stopped() && ptrace::stop::group_stop(call, &mut interrupted))
        {
            continue;
        }
        let signals = &call.task.process().signals;
        // A traced task told of it and was resumed by its tracer.
        if signals.is_stopped() && !call.task.tracing.is_traced() {
            // Interrupted or not, the state is looked at again.
            let _ = signals
                .continued
                .wait(call.cx, Wait::interruptible("stopped"), |_| (!signals.is_stopped()).then_some(()));
            continue;
        }
        let wanted = SignalSet::ALL.without(call.task.signals.blocked());
        let Some((mut signal, mut info)) = send::take_noticed(call.cx, call.task, wanted) else { break };
        if call.task.tracing.is_traced() {
            match ptrace::stop::before_signal(call, signal, info, &mut interrupted) {
                Some(chosen) => (signal, info) = chosen,
                None => continue,
            }
        }
        strace::signal(call, &info);
        let signals = &call.task.process().signals;
        let action = signals.actions().take(signal);
        probe!(trace::proc::signal_handle(signal.number() as u32, call.task.tid(), UserAddr(action.handler as usize)));
        match action.handler {
            IGNORE => send::note_discard(signal, call.task.tid()),
            DEFAULT => default_action(call, signal),
            _ => {
                if let Some(interrupted) = interrupted.take() {
                    restart_under_handler(call, interrupted, &action);
                }
                trace::count(Counter::SignalsHandled);
                rseq::before_handler(call);
                ptrace::stop::before_handler(call);
                match deliver(call, signal, &info, &action) {
                    Ok(()) => ptrace::stop::after_handler(call),
                    Err(_) => super::fault::frame_failed(call.cx, call.task, signal),
                }
            }
        }
    }
    if let Some(interrupted) = interrupted {
        restart(call, interrupted);
    }
    if let Some(mask) = call.task.signals.take_saved_mask() {
        send::change_mask(call.cx, call.task, mask);
        if call.cx.is_notified() {
            return attend(call, None);
        }
    }
    None
}

fn default_action(call: &mut Call<'_>, signal: Signal) {
    match signal.default_action() {
        DefaultAction::Terminate => call.task.process().begin_exit(call.cx, signal.number()),
        DefaultAction::Stop => {
            send::stop(call.cx, call.task.process(), signal);
        }
        DefaultAction::Ignore | DefaultAction::Continue => {}
    }
}

/// The call goes on, no handler having run.
fn restart(call: &mut Call<'_>, interrupted: Interrupted) {
    trace::count(Counter::SyscallsRestarted);
    const RESTART_CALL: u64 = match abi::number::of("restart_syscall") {
        Some(number) => number as u64,
        None => panic!("Linux has restart_syscall everywhere"),
    };
    match interrupted.restart {
        Restart::WithBlock => {
            call.user.rewind_syscall(RESTART_CALL, interrupted.first_argument);
            call.user.set_syscall_number(RESTART_CALL);
        }
        _ => call.user.rewind_syscall(interrupted.number, interrupted.first_argument),
    }
}

/// The call goes on after the handler, or answers EINTR (which is already in the result register).
fn restart_under_handler(call: &mut Call<'_>, interrupted: Interrupted, action: &Sigaction) {
    let goes_on = match interrupted.restart {
        Restart::Always => true,
        Restart::IfHandlerAllows => action.flags & flags::RESTART != 0,
        Restart::IfNoHandler | Restart::WithBlock => false,
    };
    if goes_on {
        restart(call, interrupted);
    }
}

/// Makes the program continue in the handler.
fn deliver(call: &mut Call<'_>, signal: Signal, info: &Siginfo, action: &Sigaction) -> Result<()> {
    let signals = &call.task.signals;
    let sp = call.user.sp() as u64;
    let (alternate, saved_mask, fault) = signals.for_frame();
    let is_on_alternate = is_on_stack(&alternate, sp);
    let is_new_stack = action.flags & flags::ON_STACK != 0 && alternate.flags & STACK_DISABLED == 0 && !is_on_alternate;
    let stack_top = if is_new_stack { alternate.base.wrapping_add(alternate.size) } else { sp };
    let blocked = signals.blocked();
    // Only asked for where an action may lack its own.
    let trampoline = if action.flags & SA_RESTORER == 0 {
        let space = call.task.space(call.cx).ok_or(Errno::EFAULT)?;
        space.image().map_or(0, |image| image.signal_return as u64)
    } else {
        0
    };
    let registers = call.user.registers();
    let mut head = [0; HEAD_WORDS];
    let input = FrameInput {
        info,
        action,
        registers: &registers,
        // A mask that a call had set for its own length ends with the handler, not before it.
        mask: saved_mask.unwrap_or(blocked).0,
        alternate,
        is_new_stack,
        stack_top,
        fp_bytes: machine::user::fp_image_bytes(),
        fault,
        trampoline,
    };
    let built = arch::build_frame(input, &mut head).ok_or(Errno::EFAULT)?;
    if (is_on_alternate || is_new_stack) && built.address < alternate.base {
        return Err(Errno::EFAULT);
    }
    match built.fp {
        FpGoes::Within(offset) => call.cx.with_fp(|image| arch::place_fp(&mut head, offset, image)),
        FpGoes::Apart(address) => write_fp(call, address)?,
    }
    write_piece(call, built.address, head[..built.head_words].as_bytes())?;
    if let Some((address, tail)) = built.tail {
        write_piece(call, address, tail.as_bytes())?;
    }
    // From here on nothing fails.
    if arch::HANDLER_HAS_FRESH_FP {
        call.cx.reset_fp();
    }
    if saved_mask.is_some() {
        let _ = signals.take_saved_mask();
    }
    if alternate.flags & STACK_AUTO_DISARM != 0 {
        signals.set_alternate_stack(StackT { flags: STACK_DISABLED, ..StackT::default() });
    }
    let mut mask = blocked.union(SignalSet(action.mask));
    if action.flags & flags::NO_DEFER == 0 {
        mask = mask.union(signal.mask());
    }
    signals.store_blocked(mask);
    call.user.set_registers(&built.registers);
    Ok(())
}

/// Writes the floating-point image by itself. The processor does it, unless something has to be made first: then it is done with a copy.
fn write_fp(call: &mut Call<'_>, address: u64) -> Result<()> {
    // CAST: usize is 64 bits on both architectures.
    if call.cx.save_fp_to_user(UserAddr(address as usize), &fp_mark()) {
        return Ok(());
    }
    let mut image = call.cx.save_fp().ok_or(Errno::ENOMEM)?.bytes;
    arch::mark_fp(&mut image).ok_or(Errno::ENOMEM)?;
    write_piece(call, address, &image)
}

/// The mark on an image of this machine.
fn fp_mark() -> FpMark {
    let (words, end) = arch::fp_mark(machine::user::fp_image_bytes());
    FpMark { words, end }
}

/// Copies one piece of a frame out.
fn write_piece(call: &mut Call<'_>, address: u64, bytes: &[u8]) -> Result<()> {
    // CAST: usize is 64 bits on both architectures.
    let place = UserSlice::new(UserAddr(address as usize), bytes.len());
    place.check()?;
    place.write(call.cx, bytes)
}

/// Whether `sp` lies on the alternate stack. With SS_AUTODISARM a program is never on it.
pub(crate) fn is_on_stack(alternate: &StackT, sp: u64) -> bool {
    alternate.flags & (STACK_AUTO_DISARM | STACK_DISABLED) == 0
        && sp > alternate.base
        && sp - alternate.base <= alternate.size
}

/// Ends a handler: puts back what the frame holds.
pub fn sys_rt_sigreturn(call: &mut Call<'_>) -> Result<u64> {
    match restore(call) {
        Ok(()) => Ok(call.user.result()),
        Err(_) => {
            super::fault::frame_failed(call.cx, call.task, Signal::SIGSEGV);
            Ok(0)
        }
    }
}

fn restore(call: &mut Call<'_>) -> Result<()> {
    let address = arch::frame_address(call.user.sp() as u64);
    let mut head = [0; RETURN_WORDS];
    read_piece(call, address, head.as_mut_bytes())?;
    let registers = call.user.registers();
    let parsed = match arch::parse_frame(&head, &registers) {
        Err(FrameError::Longer(words)) => {
            let mut longer = zeroed(words)?;
            read_piece(call, address, longer.as_mut_bytes())?;
            arch::parse_frame(&longer, &registers)
        }
        other => other,
    };
    let parsed = parsed.map_err(|error| match error {
        FrameError::NoMemory => Errno::ENOMEM,
        FrameError::Longer(_) | FrameError::Malformed => Errno::EFAULT,
    })?;
    restore_fp(call, parsed.fp)?;
    call.user.set_registers(&parsed.registers);
    send::change_mask(call.cx, call.task, SignalSet(parsed.mask));
    restore_alternate_stack(&call.task.signals, &parsed.alternate);
    Ok(())
}

/// Copies one piece of a frame in.
fn read_piece(call: &mut Call<'_>, address: u64, bytes: &mut [u8]) -> Result<()> {
    // CAST: usize is 64 bits on both architectures.
    let place = UserSlice::new(UserAddr(address as usize), bytes.len());
    place.check()?;
    place.read(call.cx, bytes)
}

fn zeroed<T: Copy + Default>(count: usize) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(count)?;
    buffer.resize(count, T::default());
    Ok(buffer)
}

/// Puts the floating-point state back.
fn restore_fp(call: &mut Call<'_>, place: FpPlace) -> Result<()> {
    if let FpPlace::At(address) = place
        && call.cx.load_fp_from_user(UserAddr(address as usize), &fp_mark())
    {
        return Ok(());
    }
    // What is not as it was written, or not there at once, is taken by a copy.
    let is_loaded = match read_fp(call, place)? {
        Some(mut image) => call.cx.load_fp(&mut image),
        None => {
            call.cx.reset_fp();
            true
        }
    };
    if is_loaded { Ok(()) } else { Err(Errno::EINVAL) }
}

/// The floating-point image a frame refers to, completed to the machine's length.
fn read_fp(call: &mut Call<'_>, place: FpPlace) -> Result<Option<Vec<u8>>> {
    let address = match place {
        FpPlace::Absent => return Ok(None),
        FpPlace::Inline(image) => return Ok(Some(image)),
        FpPlace::At(address) => address,
    };
    let mut image = zeroed(machine::user::fp_image_bytes())?;
    let length = image.len();
    #[allow(clippy::unnecessary_min_or_max, reason = "the constant is 0 on one architecture")]
    let (legacy, extended) = image.split_at_mut(arch::FP_LEGACY_BYTES.min(length));
    read_piece(call, address, legacy)?;
    if arch::fp_is_extended(legacy, length) {
        read_piece(call, address.wrapping_add(legacy.len() as u64), extended)?;
    } else {
        arch::fp_lacks_extended(&mut image);
    }
    Ok(Some(image))
}

/// LINUX: a bad stack in the frame is silently left aside.
fn restore_alternate_stack(signals: &TaskSignals, stack: &StackT) {
    if stack.flags & !(STACK_DISABLED | STACK_AUTO_DISARM | 1) == 0 {
        signals.set_alternate_stack(StackT { flags: stack.flags & !1, padding: 0, ..*stack });
    }
}
