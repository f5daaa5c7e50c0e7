//! The traced task's side: stopping for its tracer, and going on as that says.
use super::state::{Kind, Stop, Tracer, wants};
use crate::signal::deliver::Interrupted;
use crate::signal::{self, Signal, actions};
use crate::syscall::Call;
use crate::task::table::{self, TaskTable};
use abi::Siginfo;
use abi::ptrace::{event, option};
use alloc::boxed::Box;
use core::sync::atomic::Ordering;
use machine::sync::Wait;

const CLD_TRAPPED: i32 = 4;
/// The bit of a system call's stop that PTRACE_O_TRACESYSGOOD asks for.
const CALL_BIT: i32 = 0x80;

/// Tells the tracer that something is to be waited for.
pub(super) fn tell_tracer(table: &mut TaskTable, tracer: Tracer, info: Siginfo) {
    let Some(process) = table.node(tracer.pid).map(|node| node.process.clone()) else { return };
    let action = process.signals.actions().get(Signal::SIGCHLD);
    if action.flags & actions::flags::NO_CHILD_STOP == 0 {
        let _ = signal::send::send_in(table, tracer.pid, info);
    }
    process.child_events.wake_all();
}

/// Stops until the tracer resumes the task. `None`: nobody traces it (any more), or it is being killed.
pub(super) fn stop(call: &mut Call<'_>, stop: Box<Stop>) -> Option<Box<Stop>> {
    let task = call.task.clone();
    let (kind, code) = (stop.kind, stop.code);
    // What ends a stop at once. A task that ends by itself may still tell of it.
    let is_killed = || match kind {
        Kind::End => task.process().exit_status() == Some(Signal::SIGKILL.number()),
        _ => task.leaving().is_some(),
    };
    {
        let mut table = table::lock(call.cx);
        if is_killed() {
            return None;
        }
        let tracer = task.tracing.with(|state| {
            let tracer = state.tracer?;
            state.stop = Some(stop);
            state.resumed = None;
            state.is_listening = false;
            state.report = Some(code);
            Some(tracer)
        })?;
        let info = Siginfo::child(CLD_TRAPPED, task.tid(), task.process().uid(), code & 0x7f, 0, 0);
        tell_tracer(&mut table, tracer, info);
    }
    let mut was_notified = false;
    let resumed = loop {
        let how = Wait::interruptible("its tracer");
        match task.tracing.going_on.wait(call.cx, how, |_| task.tracing.with(|state| state.resumed.take())) {
            Ok(stop) => break Some(stop),
            Err(_) => {
                was_notified |= call.cx.take_notification();
                if is_killed() {
                    let left = task.tracing.with(|state| {
                        state.report = None;
                        state.stop.take()
                    });
                    drop(left);
                    break None;
                }
            }
        }
    };
    if was_notified || task.tracing.is_wanted(wants::TRAP) {
        call.cx.thread().notify();
    }
    resumed
}

/// The code by which waiting tells of an event.
const fn event_code(event: u32, signal: Signal) -> i32 {
    // CAST: a small number.
    (event << 8) as i32 | signal.number()
}

/// What PTRACE_GETSIGINFO tells where no signal is about to be taken.
fn trap_info(call: &Call<'_>, code: i32) -> Siginfo {
    let uid = call.task.credentials(call.cx).uid.real;
    Siginfo::from_process(Signal::SIGTRAP.number(), code, call.task.tid(), uid)
}

/// A signal is about to be taken: the tracer may replace or suppress it.
pub(crate) fn before_signal(
    call: &mut Call<'_>,
    signal: Signal,
    info: Siginfo,
    interrupted: &mut Option<Interrupted>,
) -> Option<(Signal, Siginfo)> {
    let mut made = Stop::new(call, Kind::Signal, signal.number(), Some(info), *interrupted);
    made.signal = signal.number();
    let tracer = call.task.tracing.tracer();
    let stop = match stop(call, made) {
        Some(stop) => stop,
        None => return Some((signal, info)),
    };
    let (chosen, info) = (stop.signal, stop.info);
    *interrupted = stop.apply(call);
    let chosen = Signal::from_number(chosen)?;
    let info = match info {
        Some(info) if info.signal == chosen.number() => info,
        // LINUX: another signal than the one reported comes from the tracer.
        _ => Siginfo::from_process(chosen.number(), 0, tracer.map_or(0, |tracer| tracer.pid), 0),
    };
    if call.task.signals.blocked().contains(chosen) {
        let _ = signal::send_to_task(call.cx, call.task, info);
        return None;
    }
    Some((chosen, info))
}

/// The process is stopped: tells the tracer, unless it knows. False if there is nothing to tell.
pub(crate) fn group_stop(call: &mut Call<'_>, interrupted: &mut Option<Interrupted>) -> bool {
    let signals = &call.task.process().signals;
    let present = signals.stop_count();
    if !call.task.tracing.is_traced() || call.task.tracing.seen_stop.swap(present, Ordering::Relaxed) == present {
        return false;
    }
    let by = Signal::from_number(signals.stop_signal()).unwrap_or(Signal::SIGSTOP);
    call.task.tracing.set_wanted(wants::TRAP, 0);
    let is_seized = call.task.tracing.lock(call.cx).is_seized;
    let (code, info) = if is_seized {
        let code = event_code(event::STOP, by);
        (code, Some(trap_info(call, code)))
    } else {
        (by.number(), None)
    };
    let made = Stop::new(call, Kind::Group, code, info, *interrupted);
    if let Some(stop) = stop(call, made) {
        *interrupted = stop.apply(call);
    }
    true
}

/// PTRACE_INTERRUPT, or a new state of a process that is listened to. False if none is due.
pub(crate) fn trap(call: &mut Call<'_>, interrupted: &mut Option<Interrupted>) -> bool {
    if !call.task.tracing.is_wanted(wants::TRAP) {
        return false;
    }
    call.task.tracing.set_wanted(wants::TRAP, 0);
    let signals = &call.task.process().signals;
    let by = if signals.is_stopped() { Signal::from_number(signals.stop_signal()) } else { None };
    call.task.tracing.seen_stop.store(signals.stop_count(), Ordering::Relaxed);
    let code = event_code(event::STOP, by.unwrap_or(Signal::SIGTRAP));
    let made = Stop::new(call, Kind::Group, code, Some(trap_info(call, code)), *interrupted);
    if let Some(stop) = stop(call, made) {
        *interrupted = stop.apply(call);
    }
    true
}

/// An event, if the tracer wants to know of it. True if it does.
pub(crate) fn tell(call: &mut Call<'_>, event: u32, message: u64) -> bool {
    {
        let mut state = call.task.tracing.lock(call.cx);
        if state.tracer.is_none() || state.options & (1 << event) == 0 {
            return false;
        }
        state.message = message;
    }
    let code = event_code(event, Signal::SIGTRAP);
    let kind = if event == event::EXIT { Kind::End } else { Kind::Event };
    let made = Stop::new(call, kind, code, Some(trap_info(call, code)), None);
    if let Some(stop) = stop(call, made) {
        go_on_with_signal(call, stop);
    }
    true
}

/// After stops that are about no signal: one that the tracer sends along is taken as if it had been sent.
fn go_on_with_signal(call: &mut Call<'_>, stop: Box<Stop>) {
    let signal = Signal::from_number(stop.signal);
    stop.apply(call);
    if let Some(signal) = signal {
        let tracer = call.task.tracing.tracer().map_or(0, |tracer| tracer.pid);
        let info = Siginfo::from_process(signal.number(), 0, tracer, 0);
        let _ = signal::send_to_task(call.cx, call.task, info);
    }
}

fn call_code(call: &Call<'_>) -> i32 {
    let is_marked = call.task.tracing.lock(call.cx).options & option::TRACESYSGOOD != 0;
    Signal::SIGTRAP.number() | if is_marked { CALL_BIT } else { 0 }
}

/// A system call is about to be served. Answers the number to serve, if the tracer lets it happen; never where calls are left to it
/// (`is_emulated`). The result is then what the tracer has put there.
pub(crate) fn before_call(call: &mut Call<'_>, is_emulated: bool) -> Option<u64> {
    let code = call_code(call);
    let info = trap_info(call, code);
    let number = call.user.syscall_number();
    let made = Stop::new(call, Kind::Entry, code, Some(info), None);
    let untouched = made.words[abi::ptrace::RESULT];
    let Some(stop) = stop(call, made) else {
        if is_emulated {
            call.user.set_result(untouched);
        }
        return (!is_emulated).then_some(number);
    };
    let chosen = abi::ptrace::chosen_number(&stop.words, stop.number);
    let result = stop.words[abi::ptrace::RESULT];
    go_on_with_signal(call, stop);
    call.user.set_syscall_number(chosen);
    if is_emulated || (chosen as i64) < 0 {
        call.user.set_result(result);
        return None;
    }
    Some(chosen)
}

/// A system call has been served: its result is in the registers. Answers whether, and how, it still goes on.
pub(crate) fn after_call(call: &mut Call<'_>, interrupted: Option<Interrupted>) -> Option<Interrupted> {
    let code = call_code(call);
    let info = trap_info(call, code);
    let made = Stop::new(call, Kind::Exit, code, Some(info), interrupted);
    let Some(stop) = stop(call, made) else { return interrupted };
    let signal = Signal::from_number(stop.signal);
    let interrupted = stop.apply(call);
    if let Some(signal) = signal {
        let info = Siginfo::from_process(signal.number(), 0, 0, 0);
        let _ = signal::send_to_task(call.cx, call.task, info);
    }
    interrupted
}

/// A handler is about to be entered: the step is over, and what the handler returns to is no step.
pub(crate) fn before_handler(call: &mut Call<'_>) {
    if call.task.tracing.is_traced() {
        call.user.set_single_stepping(false);
    }
}

/// A handler was entered while stepping: that is a step too.
pub(crate) fn after_handler(call: &mut Call<'_>) {
    if !call.task.tracing.is_wanted(wants::STEP) {
        return;
    }
    let code = Signal::SIGTRAP.number();
    let info = trap_info(call, code);
    let made = Stop::new(call, Kind::Event, code, Some(info), None);
    if let Some(stop) = stop(call, made) {
        go_on_with_signal(call, stop);
    }
}
