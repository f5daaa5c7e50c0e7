//! The files of `/proc/PID`: what is known of one process, or one thread of it.
//!
//! Each is a function from a [`Subject`] to text; [`ENTRIES`] gives them their names. A subject that has ended answers ESRCH,
//! or shows what a zombie still has.
use super::text::{Text, put};
use super::{area_files, oom_file, system};
use crate::errno::{Errno, Result};
use crate::fs::Path;
use crate::mm::{AddressSpace, oom};
use crate::ptrace::access::{self, Rights};
use crate::signal::allowance::Allowance;
use crate::task::limits::{INFINITY, Limits, Resource};
use crate::task::scheduling::Scheduling;
use crate::task::{Capability, Credentials, Pid, Process, Task, table, usage};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::mm::failing;
use machine::thread::{CurrentThread, ThreadState};

/// Most bytes of a command line or environment that are shown.
const MOST_STRINGS: usize = 2 << 20;

/// A process, or one of its threads.
#[derive(Clone)]
pub struct Subject {
    /// The process.
    pub process: Arc<Process>,
    /// The thread; `None` for a zombie.
    pub task: Option<Arc<Task>>,
    /// The number shown: of the process or of the thread.
    pub number: Pid,
    /// Whether one thread is meant.
    pub is_thread: bool,
}

impl Subject {
    /// The process `pid`.
    pub fn process(cx: &CurrentThread, pid: Pid) -> Result<Subject> {
        let process = table::find_process(cx, pid).ok_or(Errno::ENOENT)?;
        let task = table::tasks_of(cx, pid).into_iter().next();
        Ok(Subject { process, task, number: pid, is_thread: false })
    }
    /// The thread `tid` of the process `pid`.
    pub fn thread(cx: &CurrentThread, pid: Pid, tid: Pid) -> Result<Subject> {
        let task = table::find_task(cx, tid).filter(|task| task.process().pid() == pid).ok_or(Errno::ENOENT)?;
        Ok(Subject { process: task.process().clone(), task: Some(task), number: tid, is_thread: true })
    }
    /// Its memory, if it still has any.
    pub fn space(&self, cx: &CurrentThread) -> Option<Arc<AddressSpace>> {
        self.task.as_ref().and_then(|task| task.space(cx))
    }
    /// Whose rights it has.
    pub fn credentials(&self, cx: &CurrentThread) -> Arc<Credentials> {
        self.task.as_ref().map_or_else(|| Arc::new(Credentials::root()), |task| task.credentials(cx))
    }
    /// Its name.
    fn name(&self, cx: &CurrentThread) -> Vec<u8> {
        self.task.as_ref().map(|task| task.name(cx)).unwrap_or_default()
    }
    /// One letter for what it is doing.
    fn state(&self, cx: &CurrentThread) -> char {
        let reports = table::reports_of(cx, self.process.pid()).unwrap_or_default();
        if reports.ended.is_some() && !self.is_thread {
            return 'Z';
        }
        if self.task.as_ref().is_some_and(|task| task.tracing.lock(cx).stop.is_some()) {
            return 't';
        }
        if self.process.signals.is_stopped() {
            return 'T';
        }
        match self.task.as_ref().and_then(|task| task.thread()).map(|thread| thread.state()) {
            Some(ThreadState::Running | ThreadState::Runnable) => 'R',
            Some(ThreadState::Sleeping(_)) => 'S',
            Some(ThreadState::Blocked(_)) => 'D',
            Some(ThreadState::Ended) | None => 'Z',
        }
    }
    /// Whether its memory may be shown to others of its user; true without memory.
    pub fn is_dumpable(&self, cx: &CurrentThread) -> bool {
        self.space(cx).is_none_or(|space| space.is_dumpable())
    }
    /// EACCES unless the caller may look into it: itself, the same user if it is dumpable and has no more rights, or CAP_SYS_PTRACE.
    pub fn check_may_inspect(&self, cx: &CurrentThread) -> Result<()> {
        self.inspected(cx, || ())
    }
    /// What `look` finds of one program that the caller may look into; EACCES if it may not.
    pub fn inspected<R>(&self, cx: &CurrentThread, mut look: impl FnMut() -> R) -> Result<R> {
        match (Task::current(cx), &self.task) {
            (Some(me), Some(task)) => {
                access::of_one_program(cx, &me, task, Rights::Files, look).map_err(|_| Errno::EACCES)
            }
            // Of one that has ended there is little to see: for itself, which reads that it ends, and for the superuser.
            (Some(me), None) if !Arc::ptr_eq(me.process(), &self.process) => {
                if me.credentials(cx).may(Capability::Trace) { Ok(look()) } else { Err(Errno::EACCES) }
            }
            _ => Ok(look()),
        }
    }
    /// Its memory, if it still has any; EACCES unless the caller may look into it.
    pub(super) fn inspected_space(&self, cx: &CurrentThread) -> Result<Option<Arc<AddressSpace>>> {
        match (Task::current(cx), &self.task) {
            (Some(me), Some(task)) => access::space(cx, &me, task, Rights::Files).map_err(|_| Errno::EACCES),
            _ => Ok(self.space(cx)),
        }
    }
}

/// Makes a text.
pub(super) type ReadProcess = fn(&mut CurrentThread, &Subject, &mut Text) -> Result<()>;
/// Takes what one write gives.
pub(super) type WriteProcess = fn(&mut CurrentThread, &Subject, &[u8]) -> Result<()>;

/// A text of `/proc/PID`.
pub(super) struct ProcessText {
    pub(super) name: &'static str,
    pub(super) permissions: u32,
    pub(super) read: ReadProcess,
    pub(super) write: Option<WriteProcess>,
}

const fn text(name: &'static str, read: ReadProcess) -> ProcessText {
    ProcessText { name, permissions: 0o444, read, write: None }
}

const fn private(name: &'static str, read: ReadProcess) -> ProcessText {
    ProcessText { name, permissions: 0o400, read, write: None }
}

/// The texts of a process and of a thread.
const ENTRIES: &[ProcessText] = &[
    private("auxv", |cx, subject, out| match subject.inspected_space(cx)?.as_ref().and_then(|space| space.image()) {
        Some(image) => out.bytes(&image.auxiliary),
        None => Ok(()),
    }),
    ProcessText {
        name: "clear_refs",
        permissions: 0o200,
        read: |_, _, _| Err(Errno::EINVAL),
        write: Some(area_files::clear_refs),
    },
    text("cgroup", |_, _, out| put!(out, "0::/\n")),
    text("cmdline", |cx, subject, out| strings(cx, subject.space(cx), out, |image| image.arguments.clone())),
    ProcessText {
        name: "comm",
        permissions: 0o644,
        read: |cx, subject, out| {
            out.bytes(&subject.name(cx))?;
            out.bytes(b"\n")
        },
        write: Some(|cx, subject, bytes| {
            let task = subject.task.as_ref().ok_or(Errno::ESRCH)?;
            let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or(&[]);
            task.set_name(cx, line);
            Ok(())
        }),
    },
    private("environ", |cx, subject, out| {
        strings(cx, subject.inspected_space(cx)?, out, |image| image.environment.clone())
    }),
    private("io", io),
    text("limits", limits),
    text("maps", area_files::maps),
    text("mountinfo", |cx, subject, out| {
        let root = root_of(cx, subject)?;
        system::mount_info(cx, &root, out)
    }),
    text("mounts", |cx, subject, out| {
        let root = root_of(cx, subject)?;
        system::mounts(cx, &root, out)
    }),
    ProcessText {
        name: "oom_adj",
        permissions: 0o644,
        read: |_, subject, out| put!(out, "{}\n", oom_file::old_form(subject.process.oom_adjustment())),
        write: Some(|cx, subject, bytes| oom_file::write_old_form(cx, subject, bytes)),
    },
    text("oom_score", |cx, subject, out| put!(out, "{}\n", oom::score(&subject.process, subject.space(cx).as_deref()))),
    ProcessText {
        name: "oom_score_adj",
        permissions: 0o644,
        read: |_, subject, out| put!(out, "{}\n", subject.process.oom_adjustment()),
        write: Some(|cx, subject, bytes| oom_file::write(cx, subject, bytes)),
    },
    private("personality", |_, subject, out| {
        put!(out, "{:08x}\n", subject.task.as_ref().map_or(0, |task| task.personality()))
    }),
    text("smaps", area_files::smaps),
    text("smaps_rollup", area_files::smaps_rollup),
    text("stat", stat),
    text("statm", |cx, subject, out| {
        let used = subject.space(cx).map(|space| space.memory_use(cx)).unwrap_or_default();
        put!(out, "{} {} 0 {} 0 {} 0\n", used.mapped, used.resident, used.code, used.data + used.stack)
    }),
    text("status", status),
    text("wchan", |_, subject, out| {
        match subject.task.as_ref().and_then(|task| task.thread()).map(|thread| thread.state()) {
            Some(ThreadState::Sleeping(reason) | ThreadState::Blocked(reason)) => put!(out, "{reason}"),
            _ => put!(out, "0"),
        }
    }),
    // Not last by chance: see `entries`.
    ProcessText {
        name: "fail-nth",
        permissions: 0o644,
        read: |cx, subject, out| {
            only_own(cx, subject)?;
            put!(out, "{}\n", failing::countdown())
        },
        write: Some(|cx, subject, bytes| {
            only_own(cx, subject)?;
            let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
            failing::set_countdown(text.trim().parse().map_err(|_| Errno::EINVAL)?);
            Ok(())
        }),
    },
];

/// The texts there are in this build: `fail-nth` only in a checked one.
pub(super) fn entries() -> &'static [ProcessText] {
    &ENTRIES[..ENTRIES.len() - usize::from(!failing::IS_POSSIBLE)]
}

/// EPERM unless the subject is the calling thread. (Linux lets one thread set another's.)
fn only_own(cx: &CurrentThread, subject: &Subject) -> Result<()> {
    let is_own = Task::current(cx).is_some_and(|task| task.tid() == subject.number);
    if is_own { Ok(()) } else { Err(Errno::EPERM) }
}

pub(super) fn root_of(cx: &CurrentThread, subject: &Subject) -> Result<Path> {
    let context = subject.task.as_ref().and_then(|task| task.fs_if_any(cx)).ok_or(Errno::EINVAL)?;
    Ok(context.root(cx))
}

/// Strings that exec put on the stack, read from the process's memory.
fn strings(
    cx: &mut CurrentThread,
    space: Option<Arc<AddressSpace>>,
    out: &mut Text,
    which: fn(&crate::mm::ProgramImage) -> Range<usize>,
) -> Result<()> {
    let Some(space) = space else { return Ok(()) };
    let Some(range) = space.image().map(which) else { return Ok(()) };
    let mut bytes = Vec::new();
    let length = range.len().min(MOST_STRINGS);
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    let there = space.read_memory(cx, UserAddr(range.start), &mut bytes).unwrap_or(0);
    out.bytes(&bytes[..there])
}

/// Bytes and calls of reading and writing: of one thread, or of the whole process and the children that it waited for.
fn io(cx: &mut CurrentThread, subject: &Subject, out: &mut Text) -> Result<()> {
    subject.check_may_inspect(cx)?;
    let count = match &subject.task {
        Some(task) if subject.is_thread => task.io.count(),
        _ => {
            let mut sum = usage::of_process(cx, &subject.process).io;
            sum.add(&subject.process.children_usage().io);
            sum
        }
    };
    put!(out, "rchar: {}\nwchar: {}\n", count.read_bytes, count.written_bytes)?;
    put!(out, "syscr: {}\nsyscw: {}\n", count.reads, count.writes)?;
    // What a disk was asked for: there is none.
    put!(out, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n")
}

fn limits(_cx: &mut CurrentThread, subject: &Subject, out: &mut Text) -> Result<()> {
    const NAMES: [(&str, &str, u32); 16] = [
        ("Max cpu time", "seconds", 0),
        ("Max file size", "bytes", 1),
        ("Max data size", "bytes", 2),
        ("Max stack size", "bytes", 3),
        ("Max core file size", "bytes", 4),
        ("Max resident set", "bytes", 5),
        ("Max processes", "processes", 6),
        ("Max open files", "files", 7),
        ("Max locked memory", "bytes", 8),
        ("Max address space", "bytes", 9),
        ("Max file locks", "locks", 10),
        ("Max pending signals", "signals", 11),
        ("Max msgqueue size", "bytes", 12),
        ("Max nice priority", "", 13),
        ("Max realtime priority", "", 14),
        ("Max realtime timeout", "us", 15),
    ];
    let limits: Limits = subject.process.limits();
    put!(out, "Limit                     Soft Limit           Hard Limit           Units     \n")?;
    for (name, unit, number) in NAMES {
        let Some(limit) = limits.by_number(number) else { continue };
        let start = out.len();
        put!(out, "{name}")?;
        out.pad(start, 26)?;
        for value in [limit.soft, limit.hard] {
            let start = out.len();
            if value == INFINITY {
                put!(out, "unlimited")?
            } else {
                put!(out, "{value}")?
            }
            out.pad(start, 21)?;
        }
        put!(out, "{unit:10}\n")?;
    }
    Ok(())
}

fn stat(cx: &mut CurrentThread, subject: &Subject, out: &mut Text) -> Result<()> {
    let pid = subject.process.pid();
    let (parent, group, session) = table::place_of(cx, pid).ok_or(Errno::ESRCH)?;
    let used = usage::of_process(cx, &subject.process);
    let (user, kernel) = used.ticks();
    let (child_user, child_kernel) = subject.process.children_usage().ticks();
    let space = subject.space(cx);
    let memory = space.as_ref().map(|space| space.memory_use(cx)).unwrap_or_default();
    let threads = table::tasks_of(cx, pid).len();
    let started = subject.process.start_time.0 / 10_000_000;
    let state = subject.state(cx);
    let (terminal, foreground) = match subject.process.terminal.terminal() {
        // CAST: process numbers are below 2^22.
        Some(terminal) => (terminal.device().encoded(), terminal.foreground(cx) as i32),
        None => (0, -1),
    };
    put!(out, "{} (", subject.number)?;
    out.bytes(&subject.name(cx))?;
    put!(out, ") {state} {parent} {group} {session} {terminal} {foreground} 4194304 {} 0 0 0 ", used.faults)?;
    let scheduling = subject.task.as_ref().map_or(Scheduling::INITIAL, |task| task.scheduling());
    let (priority, nice) = (scheduling.shown_priority(), scheduling.nice);
    put!(out, "{user} {kernel} {child_user} {child_kernel} {priority} {nice} {threads} 0 {started} ")?;
    put!(out, "{} {} {} ", memory.mapped * PAGE_SIZE, memory.resident, u64::MAX)?;
    let image = space.as_ref().and_then(|space| space.image());
    let (code, stack) = image.map_or((0..0, 0), |image| (image.code.clone(), image.stack_start));
    let cpu = subject.task.as_ref().and_then(|task| task.thread()).map_or(0, |thread| thread.last_cpu().0);
    put!(out, "{} {} {stack} 0 0 0 0 0 0 0 0 0 17 {cpu} ", code.start, code.end)?;
    put!(out, "{} {} 0 0 0 ", scheduling.priority, scheduling.policy)?;
    let (arguments, environment) =
        image.map_or((0..0, 0..0), |image| (image.arguments.clone(), image.environment.clone()));
    put!(out, "0 0 0 {} {} {} {} 0\n", arguments.start, arguments.end, environment.start, environment.end)
}

fn status(cx: &mut CurrentThread, subject: &Subject, out: &mut Text) -> Result<()> {
    let pid = subject.process.pid();
    let (parent, _, _) = table::place_of(cx, pid).ok_or(Errno::ESRCH)?;
    let who = subject.credentials(cx);
    let state = subject.state(cx);
    let tracer = subject.task.as_ref().and_then(|task| task.tracing.tracer()).map_or(0, |by| by.pid);
    let long_state = match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "disk sleep",
        'T' => "stopped",
        't' => "tracing stop",
        _ => "zombie",
    };
    out.bytes(b"Name:\t")?;
    out.bytes(&subject.name(cx))?;
    let context = subject.task.as_ref().and_then(|task| task.fs_if_any(cx));
    if let Some(context) = context {
        put!(out, "\nUmask:\t{:04o}", context.umask())?;
    }
    put!(
        out,
        "\nState:\t{state} ({long_state})\nTgid:\t{pid}\nNgid:\t0\nPid:\t{}\nPPid:\t{parent}\nTracerPid:\t{tracer}\n",
        subject.number
    )?;
    for (name, ids) in [("Uid", who.uid), ("Gid", who.gid)] {
        put!(out, "{name}:\t{}\t{}\t{}\t{}\n", ids.real, ids.effective, ids.saved, ids.file_system)?;
    }
    let files = subject.task.as_ref().and_then(|task| task.files_if_any(cx));
    put!(out, "FDSize:\t{}\nGroups:\t", files.map_or(0, |files| files.slot_count(cx)))?;
    for group in who.groups.iter() {
        put!(out, "{group} ")?;
    }
    out.bytes(b"\n")?;
    if let Some(space) = subject.space(cx) {
        let memory = space.memory_use(cx);
        let lines = [
            ("VmPeak", memory.peak),
            ("VmSize", memory.mapped),
            ("VmLck", memory.locked),
            ("VmHWM", memory.peak_resident),
            ("VmRSS", memory.resident),
            ("VmData", memory.data),
            ("VmStk", memory.stack),
            ("VmExe", memory.code),
            ("VmPTE", memory.tables),
        ];
        for (name, pages) in lines {
            put!(out, "{name}:\t{:8} kB\n", pages * (PAGE_SIZE / 1024))?;
        }
    }
    put!(out, "Threads:\t{}\n", table::tasks_of(cx, pid).len())?;
    let (ignored, caught) = subject.process.signals.actions().summary();
    let own = subject.task.as_ref().map_or((0, 0), |task| (task.signals.pending().0, task.signals.blocked().0));
    let queued = Allowance::used(subject.process.uid());
    put!(out, "SigQ:\t{queued}/{}\n", subject.process.limit(Resource::PendingSignals))?;
    put!(out, "SigPnd:\t{:016x}\nShdPnd:\t{:016x}\n", own.0, subject.process.signals.pending().0)?;
    put!(out, "SigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}\n", own.1, ignored.0, caught.0)?;
    let sets = who.capabilities;
    let capabilities = [
        ("Inh", sets.inheritable),
        ("Prm", sets.permitted),
        ("Eff", sets.effective),
        ("Bnd", sets.bounding),
        ("Amb", sets.ambient),
    ];
    for (name, set) in capabilities {
        put!(out, "Cap{name}:\t{:016x}\n", set.bits())?;
    }
    let promised = subject.task.as_ref().is_some_and(|task| task.has_no_new_privileges());
    put!(out, "NoNewPrivs:\t{}\n", u8::from(promised))?;
    let cpus = machine::cpu::count();
    let all = if cpus >= 64 { u64::MAX } else { (1 << cpus) - 1 };
    let thread = subject.task.as_ref().and_then(|task| task.thread());
    let mask = thread.map_or(all, |thread| thread.affinity().0 & all);
    put!(out, "Cpus_allowed:\t{mask:x}\nCpus_allowed_list:\t")?;
    bit_list(out, mask)?;
    out.bytes(b"\n")?;
    let usage = usage::of_process(cx, &subject.process);
    put!(out, "voluntary_ctxt_switches:\t{}\n", usage.voluntary_switches)?;
    put!(out, "nonvoluntary_ctxt_switches:\t{}\n", usage.involuntary_switches)
}

/// The numbers of the bits set, as `0-2,5`.
fn bit_list(out: &mut Text, mut mask: u64) -> Result<()> {
    let mut separator = "";
    while mask != 0 {
        let first = mask.trailing_zeros();
        let count = (mask >> first).trailing_ones();
        put!(out, "{separator}{first}")?;
        if count > 1 {
            put!(out, "-{}", first + count - 1)?;
        }
        separator = ",";
        mask &= !(u64::MAX >> (64 - count) << first);
    }
    Ok(())
}
