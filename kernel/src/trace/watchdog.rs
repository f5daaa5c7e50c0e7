//! The watchdog: finds CPUs and tasks that are stuck and says what they wait for.
//!
//! Each CPU has a thread that beats several times in [`STUCK_CPU_NS`]; each also looks at its neighbour's last beat, so a CPU that runs with
//! interrupts or preemption off for too long is found by another. The thread of CPU 0 looks at all threads: one that sleeps
//! without being interruptible and has not run for [`STUCK_TASK_NS`] is reported once, with the reason it gave.
//! A finding is logged as an error, counted, and followed by the last switches and trace events of every CPU; nothing is killed. A stuck
//! CPU is asked where it is, where the architecture has a way (x86-64). With one CPU there is nobody to find it.
use crate::task::Task;
use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::cpu::{self, CpuId, MAX_CPUS};
use machine::log;
use machine::thread::{self, CpuSet, CurrentThread, Thread, ThreadId, ThreadState};
use machine::time::{self, Instant};
use machine::trace::{Counter, count};

/// How long a CPU may not beat.
const STUCK_CPU_NS: u64 = 10_000_000_000;
/// How long a task may sleep uninterruptibly.
const STUCK_TASK_NS: u64 = 30_000_000_000;
/// How often each CPU shows that it lives, in the time that it may not.
const BEATS_IN_LIMIT: u64 = 5;

/// How patient the watchdog is.
#[derive(Clone, Copy)]
struct Limits {
    cpu_ns: u64,
    task_ns: u64,
}

impl Limits {
    /// The usual ones, or those that `ochre.watchdog=SECONDS` on the command line gives for both.
    fn of(command_line: &[u8]) -> Limits {
        let words = command_line.split(u8::is_ascii_whitespace);
        let told = words.filter_map(|word| word.strip_prefix(b"ochre.watchdog=")).next_back();
        let seconds = told.and_then(|text| core::str::from_utf8(text).ok()?.parse::<u64>().ok());
        match seconds.filter(|seconds| (1..=86_400).contains(seconds)) {
            Some(seconds) => Limits { cpu_ns: seconds * 1_000_000_000, task_ns: seconds * 1_000_000_000 },
            None => Limits { cpu_ns: STUCK_CPU_NS, task_ns: STUCK_TASK_NS },
        }
    }
}
/// Trace events of each CPU shown with a finding.
const EVENTS: usize = 16;

/// When each CPU last beat; 0: it has no watchdog.
static BEATS: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];

/// Starts it on every CPU. Without memory for a thread, the CPU goes unwatched.
pub fn start() {
    let limits = Limits::of(machine::boot::info().command_line);
    for (number, beat) in BEATS.iter().enumerate().take(cpu::count()) {
        // CAST: a CPU's number.
        let cpu = CpuId(number as u32);
        let watch = Box::new(move |cx: &mut CurrentThread| watch(cx, cpu, limits));
        // A CPU that is stuck before its first beat is stuck too.
        beat.store(time::now().0, Ordering::Relaxed);
        match thread::spawn(&format!("watchdog/{number}"), Arc::new(()), watch) {
            Ok(thread) => {
                thread.set_affinity(CpuSet(1 << number));
            }
            Err(_) => {
                beat.store(0, Ordering::Relaxed);
                log!(Warn, "no memory for the watchdog of CPU {number}");
            }
        }
    }
}

fn watch(cx: &mut CurrentThread, cpu: CpuId, limits: Limits) {
    let mut sleepers = Sleepers { known: Vec::new(), limit_ns: limits.task_ns };
    let beat_ns = limits.cpu_ns / BEATS_IN_LIMIT;
    let mut is_neighbour_stuck = false;
    loop {
        // Not interruptible and with no other way to end, so there is no error.
        let _ = cx.sleep_until(time::now().after(beat_ns), "the next beat", true);
        let now = time::now();
        BEATS[cpu.0 as usize].store(now.0, Ordering::Relaxed);
        let neighbour = CpuId((cpu.0 + 1) % cpu::count() as u32);
        let last = Instant(BEATS[neighbour.0 as usize].load(Ordering::Relaxed));
        let is_stuck = last != Instant(0) && now.since(last) > limits.cpu_ns;
        if is_stuck && !is_neighbour_stuck {
            report_cpu(neighbour, now.since(last));
        }
        is_neighbour_stuck = is_stuck;
        if cpu == CpuId(0) {
            sleepers.look(now);
        }
    }
}

/// A thread seen asleep.
struct Sleeper {
    id: ThreadId,
    /// Switches so far: if the number changes, it has run.
    switches: u64,
    since: Instant,
    is_reported: bool,
    is_seen: bool,
}

struct Sleepers {
    known: Vec<Sleeper>,
    limit_ns: u64,
}

impl Sleepers {
    fn look(&mut self, now: Instant) {
        let mut stuck = Vec::new();
        self.known.iter_mut().for_each(|sleeper| sleeper.is_seen = false);
        thread::all(&mut |thread| {
            if !matches!(thread.state(), ThreadState::Blocked(_)) {
                return;
            }
            let (voluntary, preempted) = thread.switches();
            let switches = voluntary + preempted;
            let id = thread.id();
            let fresh = Sleeper { id, switches, since: now, is_reported: false, is_seen: true };
            let Some(place) = self.known.iter().position(|sleeper| sleeper.id == id) else {
                if self.known.try_reserve(1).is_ok() {
                    self.known.push(fresh);
                }
                return;
            };
            let known = &mut self.known[place];
            if known.switches != switches {
                *known = fresh;
                return;
            }
            known.is_seen = true;
            if now.since(known.since) > self.limit_ns && !known.is_reported && stuck.try_reserve(1).is_ok() {
                known.is_reported = true;
                stuck.push((thread.clone(), now.since(known.since)));
            }
        });
        self.known.retain(|sleeper| sleeper.is_seen);
        for (thread, ns) in stuck {
            report_task(&thread, ns);
        }
    }
}

/// A thread as people know it: its name, and the TID where it belongs to a program.
struct Who<'a>(&'a Thread);

impl fmt::Display for Who<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "thread {} \"{}\"", self.0.id().0, self.0.name())?;
        if let Some(task) = self.0.data().downcast_ref::<Task>() {
            write!(out, " (tid {})", task.tid())?;
        }
        match self.0.last_call() {
            Some(call) => write!(out, ", last system call {}", Call(call)),
            None => Ok(()),
        }
    }
}

/// A system call's number with its name.
struct Call(u64);

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.0, abi::number::name(self.0).unwrap_or("unknown"))
    }
}

fn report_task(thread: &Thread, ns: u64) {
    count(Counter::StuckTasks);
    if let ThreadState::Blocked(reason) = thread.state() {
        log!(Error, "{} has waited for {reason} for {} s", Who(thread), ns / 1_000_000_000);
        show_events();
    }
}

fn report_cpu(cpu: CpuId, ns: u64) {
    count(Counter::StuckTasks);
    log!(Error, "CPU {} has not scheduled for {} s", cpu.0, ns / 1_000_000_000);
    thread::all(&mut |thread| {
        if thread.last_cpu() == cpu && thread.state() == ThreadState::Running {
            log!(Error, "it runs {}", Who(thread));
        }
    });
    show_events();
    // Last, for it answers on the same UART while we go on.
    machine::fail::ask_where(cpu);
}

/// The last trace events, to where the log goes.
fn show_events() {
    struct Uart;
    impl fmt::Write for Uart {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            log::early_write(text.as_bytes());
            Ok(())
        }
    }
    // Writing to the UART does not fail.
    let _ = machine::trace::dump_switches(&mut Uart);
    let _ = machine::trace::dump(&mut Uart, EVENTS, false);
}
