//! The loop every program thread lives in: run user code, serve what it left user mode for, attend to signals, again. The only place
//! where a task ends: everything that ends one makes [`attend`] answer a status, and the thread's entry returns.
use super::Task;
use super::exit;
use super::rseq;
use crate::mm::FaultError;
use crate::ptrace;
use crate::signal::deliver::attend;
use crate::signal::fault;
use crate::syscall::{Call, dispatch, strace, vsyscall};
use crate::timer;
use crate::trace::{self, Counter, user_functions};
use alloc::sync::Arc;
use machine::mm::failing;
use machine::thread::{CallCount, CurrentThread};
use machine::user::{Exception, PageFault, UserContext, UserExit, run_user, will_run};

/// Runs the task until it ends, and ends it.
pub(crate) fn run(cx: &mut CurrentThread, task: &Arc<Task>, user: &mut UserContext) {
    let mut call = Call { cx, task, user };
    let status = run_until_end(&mut call);
    ptrace::event::before_exit(&mut call, status);
    strace::exit(&mut call, status);
    exit::end_task(cx, task, status);
}

fn run_until_end(call: &mut Call<'_>) -> i32 {
    will_run(call.cx, call.user);
    // What was sent before the thread existed notified nobody.
    if let Some(status) = attend(call, None) {
        return status;
    }
    let mut count = CallCount::default();
    loop {
        let interrupted = match run_user(call.cx, call.user) {
            UserExit::Syscall => {
                failing::call_begins();
                let interrupted = dispatch::dispatch(call, &mut count);
                failing::call_ends();
                interrupted
            }
            UserExit::PageFault(page_fault) => {
                trace::count(Counter::FaultsUser);
                resolve(call, page_fault);
                None
            }
            UserExit::Exception(Exception::BadAddress(addr)) if vsyscall::serve(call, addr) => None,
            UserExit::Exception(Exception::Breakpoint) if user_functions::hit(call) => None,
            UserExit::Exception(exception) => {
                trace::count(Counter::Exceptions);
                fault::exception(call.cx, call.task, exception, call.user.pc());
                None
            }
            UserExit::Interrupted => None,
        };
        if call.cx.needs_attention() {
            look_back(call);
        }
        if (interrupted.is_some() || call.cx.is_notified())
            && let Some(status) = attend(call, interrupted)
        {
            return status;
        }
    }
}

/// What happened to the thread while it was in the kernel or off the CPU, which is far more often than a signal comes.
fn look_back(call: &mut Call<'_>) {
    if call.cx.take_tick() {
        timer::cpu::tick(call.cx, call.task.process());
    }
    if call.cx.take_switch() {
        rseq::fix_up(call);
    }
}

fn resolve(call: &mut Call<'_>, page_fault: PageFault) {
    let resolved = match call.task.space(call.cx) {
        Some(space) => space.resolve(call.cx, page_fault),
        None => Err(FaultError::NotMapped),
    };
    match resolved {
        Ok(()) => call.process().count_fault(),
        Err(error) => fault::page_fault(call.cx, call.task, page_fault, error),
    }
}
