//! Events of a traced task: it makes others, executes a program, ends.
use super::state::{State, Tracer, wants};
use super::tracer::Terms;
use super::{stop, tracer};
use crate::signal::{self, Signal};
use crate::syscall::Call;
use crate::task::table::TaskTable;
use crate::task::{Pid, Task};
use abi::Siginfo;
use abi::linux::{CLONE_PTRACE, CLONE_THREAD, CLONE_UNTRACED, CLONE_VFORK};
use abi::ptrace::event;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;

/// Which event the making of a task by these flags is.
const fn clone_event(flags: u64, exit_signal: i32) -> u32 {
    if flags & CLONE_VFORK as u64 != 0 {
        event::VFORK
    } else if exit_signal != crate::task::SIGCHLD || flags & CLONE_THREAD as u64 != 0 {
        event::CLONE
    } else {
        event::FORK
    }
}

/// The event that the tracer of `task` wants to hear of when it makes another one like this; 0 for none.
fn wanted_clone_event(task: &Task, flags: u64, exit_signal: i32) -> u32 {
    if !task.tracing.is_traced() || flags & u64::from(CLONE_UNTRACED) != 0 {
        return 0;
    }
    let event = clone_event(flags, exit_signal);
    task.tracing.with(|state| if state.options & (1 << event) != 0 { event } else { 0 })
}

/// A task is being made: it is traced by the maker's tracer if that wants so, and then stops before it does anything. Called
/// with both in the table.
pub(crate) fn task_made(table: &mut TaskTable, maker: &Task, made: &Arc<Task>, flags: u64, exit_signal: i32) {
    let is_wanted = wanted_clone_event(maker, flags, exit_signal) != 0 || flags & u64::from(CLONE_PTRACE) != 0;
    let terms = |state: &mut State| {
        let State { may_follow, is_seized, options, .. } = *state;
        (state.tracer, Terms { may_follow, is_seized, options })
    };
    let (Some(by), terms) = maker.tracing.with(terms) else { return };
    if !is_wanted {
        return;
    }
    tracer::attach(table, made, by, terms);
    if terms.is_seized {
        made.tracing.set_wanted(wants::TRAP, wants::TRAP);
    } else {
        made.signals.make_pending(Signal::SIGSTOP, Siginfo::from_process(Signal::SIGSTOP.number(), 0, 0, 0));
    }
}

/// The task `tid` has been made.
pub(crate) fn after_clone(call: &mut Call<'_>, flags: u64, exit_signal: i32, tid: Pid) {
    let event = wanted_clone_event(call.task, flags, exit_signal);
    if event != 0 {
        stop::tell(call, event, u64::from(tid));
    }
}

/// vfork's child has let go of its maker's memory.
pub(crate) fn after_vfork(call: &mut Call<'_>, tid: Pid) {
    if call.task.tracing.is_traced() {
        stop::tell(call, event::VFORK_DONE, u64::from(tid));
    }
}

/// A program was executed, by the thread that had this number.
pub(crate) fn after_exec(call: &mut Call<'_>, old_tid: Pid) {
    if !call.task.tracing.is_traced() || stop::tell(call, event::EXEC, u64::from(old_tid)) {
        return;
    }
    // LINUX: tracers of the old kind get a signal instead.
    if !call.task.tracing.lock(call.cx).is_seized {
        let info = Siginfo::from_process(Signal::SIGTRAP.number(), 0, call.task.tid(), 0);
        let _ = signal::send_to_task(call.cx, call.task, info);
    }
}

/// The task ends with this wait status.
pub(crate) fn before_exit(call: &mut Call<'_>, status: i32) {
    if call.task.tracing.is_traced() {
        // CAST: the bits of a wait status.
        stop::tell(call, event::EXIT, u64::from(status as u32));
    }
}

/// Takes over what was known of a stop of the process when the task was attached, so that it is told.
pub(super) fn forget_seen_stop(task: &Task) {
    let present = task.process().signals.stop_count();
    task.tracing.seen_stop.store(present.wrapping_sub(1), Ordering::Relaxed);
}

/// Whom a tracer is to the traced.
pub(super) fn tracer_of(task: &Task) -> Tracer {
    Tracer { pid: task.process().pid(), tid: task.tid() }
}
