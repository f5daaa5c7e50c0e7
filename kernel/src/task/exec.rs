//! What executing a program means for tasks: `exec` builds the new address space; here the other threads end and the
//! task changes over.
use super::exit::{release_memory, resident_kib};
use super::{Credentials, Process, SIGCHLD, table};
use crate::errno::{Errno, Result};
use crate::mm::AddressSpace;
use crate::syscall::Call;
use abi::StackT;
use abi::process::READ_IMPLIES_EXEC;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::UserAddr;
use machine::sync::Wait;
use machine::user::UserContext;

/// What the task runs from now on.
pub struct NewProgram {
    /// Its memory.
    pub space: Arc<AddressSpace>,
    /// Its first registers.
    pub registers: UserContext,
    /// Its name (`comm`).
    pub name: Vec<u8>,
    /// Who it acts as, if that changes (set-user-ID).
    pub credentials: Option<Arc<Credentials>>,
    /// Whether that gives it rights its starter has not.
    pub is_secure: bool,
    /// Held until it has them.
    pub gaining: Option<GainingRights>,
}

/// While it lives, nobody starts to trace the process, and no new process shares descriptors or directories with it (Linux's
/// `cred_guard_mutex` and `in_exec`): an exec that may bring rights asks once who would have a hand in them, and the answer must hold
/// until the new program with its rights is there.
pub struct GainingRights {
    process: Arc<Process>,
}

impl GainingRights {
    /// From here on.
    pub fn begin(call: &Call<'_>) -> GainingRights {
        let process = call.process().clone();
        // Under the lock: who attached or made a process before is seen by the question that follows.
        let table = table::lock(call.cx);
        process.count_gaining_rights(true);
        drop(table);
        GainingRights { process }
    }
}

impl Drop for GainingRights {
    fn drop(&mut self) {
        self.process.count_gaining_rights(false);
        self.process.thread_events.wake_all();
    }
}

/// The last step that may fail: ends the other threads of the process, and makes the descriptor table its own. The
/// thread that executes takes over the process's number.
pub fn begin(call: &mut Call<'_>) -> Result<()> {
    let files = call.task.files(call.cx);
    // Two references are the task's and ours.
    let own_files = if Arc::strong_count(&files) > 2 { Some(files.copy(call.cx)?) } else { None };
    drop(files);
    end_other_threads(call)?;
    if let Some(own) = own_files {
        let shared = call.task.with_resources(call.cx, |resources| resources.files.replace(own));
        drop(shared);
    }
    Ok(())
}

fn end_other_threads(call: &mut Call<'_>) -> Result<()> {
    let process = call.process().clone();
    let task = call.task.clone();
    let is_alone = |cx: &mut machine::thread::CurrentThread| {
        let table = table::lock(cx);
        table.node(process.pid()).is_none_or(|node| node.tasks.len() == 1).then_some(())
    };
    if is_alone(call.cx).is_none() {
        // Another thread executing, or the end of the process, goes first: we end with the rest.
        if !process.begin_replacement(task.tid()) {
            return Err(Errno::EAGAIN);
        }
        table::notify_tasks(call.cx, process.pid());
        let mut was_notified = false;
        while process.thread_events.wait(call.cx, Wait::interruptible("other threads to end"), is_alone).is_err() {
            was_notified |= call.cx.take_notification();
            if process.exit_status().is_some() {
                process.end_replacement();
                call.cx.thread().notify();
                return Err(Errno::EINTR);
            }
        }
        process.end_replacement();
        if was_notified {
            call.cx.thread().notify();
        }
    }
    if task.tid() != process.pid() {
        table::lock(call.cx).rename_to_leader(&task);
        // Its old number is nobody's.
        process.thread_events.wake_all();
    }
    Ok(())
}

/// Changes over. Cannot fail.
pub fn finish(call: &mut Call<'_>, program: NewProgram) {
    let (task, process) = (call.task.clone(), call.process().clone());
    release_memory(call.cx, &task);
    task.set_robust_list(UserAddr::NULL);
    task.has_released_locks.store(false, core::sync::atomic::Ordering::SeqCst);
    task.rseq.clear();
    call.cx.thread().watch_switches(false);
    task.signals.set_alternate_stack(StackT { flags: crate::signal::state::STACK_DISABLED, ..StackT::default() });
    process.signals.set_actions(process.signals.actions().for_exec());
    process.posix_timers.delete_all(call.cx);

    if program.is_secure {
        task.set_personality(0);
    }
    // LINUX: new programs say themselves whether they mean it.
    task.set_personality(task.personality() & !READ_IMPLIES_EXEC);

    if let Some(node) = table::lock(call.cx).node_mut(process.pid()) {
        node.has_executed = true;
        node.exit_signal = SIGCHLD;
        if program.is_secure {
            node.parent_death_signal = 0;
        }
    }
    call.cx.set_space(Some(program.space.handle()));
    let old = task.with_resources(call.cx, |resources| {
        if let Some(credentials) = program.credentials {
            resources.credentials = credentials;
        }
        resources.space.replace(program.space)
    });
    drop(program.gaining);
    if let Some(old) = old {
        let kib = resident_kib(call.cx, &old);
        process.note_resident(kib);
        if let Some(old) = Arc::into_inner(old) {
            old.handle().unload(call.cx);
        }
    }
    call.cx.reset_fp();
    // Zero is a user address, so these succeed.
    call.cx.set_tls(0);
    call.cx.set_gs_base(0);
    call.cx.set_user_stack(program.registers.sp());
    *call.user = program.registers;
    task.set_name(call.cx, &program.name);
    task.files(call.cx).close_on_exec(call.cx);
}
