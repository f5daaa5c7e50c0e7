//! Running clauses: what they see of the world and do to it.
use super::keep::Keeper;
use crate::task::Task;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use machine::cpu::{CpuId, MAX_CPUS};
use machine::sync::Once;
use machine::time;
use machine::trace::Fired;
use pure::trace_program::{
    Environment, Keep, MAX_CLAUSE_VARIABLES, MAX_GLOBALS, Program, Source, Table, Variables, run,
};
use wire::observe::{EXIT, KEPT, OUTPUT, OUTPUT_LAST};

/// A loaded program.
pub(super) struct Loaded {
    pub(super) program: Program,
    /// For each probe, in order, which clauses are to be run: pairs of probe and clause.
    pub(super) by_probe: Vec<(u16, u16)>,
    /// The aggregations of each CPU: those that are written to and, if the program has them told meanwhile, those that are told.
    pub(super) tables: [Vec<Vec<Table>>; 2],
    /// Which of the two are written to.
    pub(super) active: AtomicUsize,
    /// If it keeps stacks or texts.
    pub(super) keeper: Option<Keeper>,
    pub(super) locals: Variables,
    pub(super) globals: [AtomicU64; MAX_GLOBALS as usize],
}

static LOADED: Once<Loaded> = Once::new();
/// What found no place, by CPU.
static DROPPED: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];
/// Stacks and texts for which there was no room, by CPU.
static NOT_KEPT: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];
/// One more than the status with which the run is to end; zero: it is not.
static EXIT_WANTED: AtomicU64 = AtomicU64::new(0);
/// What was aggregated is to be told.
static SNAPSHOT_WANTED: AtomicBool = AtomicBool::new(false);

/// Makes it the program of the run. `None`: there is one.
pub(super) fn set(loaded: Loaded) -> Option<&'static Loaded> {
    let mut is_new = false;
    let loaded = LOADED.call_once(|| {
        is_new = true;
        loaded
    });
    is_new.then_some(loaded)
}

/// The program of the run.
pub(super) fn loaded() -> Option<&'static Loaded> {
    LOADED.get()
}

/// Updates of aggregations and variables that found no place; stacks and texts for which there was no room.
pub(super) fn dropped() -> [u64; 2] {
    let sum = |of: &[AtomicU64]| of.iter().map(|dropped| dropped.load(Ordering::Relaxed)).sum();
    [sum(&DROPPED), sum(&NOT_KEPT)]
}

/// Whether the program asked for the end of the run.
pub(super) fn wants_exit() -> bool {
    EXIT_WANTED.load(Ordering::Relaxed) != 0
}

/// Whether the program asked, since the last time, to have told what was aggregated.
pub(super) fn takes_snapshot() -> bool {
    SNAPSHOT_WANTED.swap(false, Ordering::Acquire)
}

/// A probe has fired: runs its clauses.
pub(super) fn consume(fired: &Fired<'_>) {
    let Some(loaded) = LOADED.get() else { return };
    let mut variables = [0; MAX_CLAUSE_VARIABLES as usize];
    let first = loaded.by_probe.partition_point(|(probe, _)| *probe < fired.probe);
    for (_, clause) in loaded.by_probe[first..].iter().take_while(|(probe, _)| *probe == fired.probe) {
        let Some(clause) = loaded.program.clauses.get(usize::from(*clause)) else { continue };
        if run(&clause.instructions, &mut variables, &World { loaded, fired }).is_err() {
            count(&DROPPED, fired.cpu);
        }
    }
}

fn count(what: &[AtomicU64; MAX_CPUS], cpu: CpuId) {
    what[cpu.0 as usize % MAX_CPUS].fetch_add(1, Ordering::Relaxed);
}

/// What a clause sees.
struct World<'a> {
    loaded: &'a Loaded,
    fired: &'a Fired<'a>,
}

/// Something of the task whose thread runs; zero in the kernel's own threads.
pub(super) fn of_task(fired: &Fired<'_>, read: impl Fn(&Task) -> u64) -> u64 {
    let mut value = 0;
    fired.with_thread_data(&mut |data| {
        if let Some(task) = data.downcast_ref::<Task>() {
            value = read(task);
        }
    });
    value
}

impl Environment for World<'_> {
    fn load(&self, source: Source, index: u8) -> u64 {
        let of_task = |read: fn(&Task) -> u64| of_task(self.fired, read);
        match source {
            Source::Argument => self.fired.arguments.get(usize::from(index)).copied().unwrap_or(0),
            Source::Pid => of_task(|task| task.process().pid().into()),
            Source::Tid => of_task(|task| task.tid().into()),
            Source::ParentPid => of_task(|task| task.process().parent_pid().into()),
            Source::Uid => of_task(|task| task.glance().user().into()),
            Source::Name if index == 0 => of_task(|task| task.glance().name_half(0)),
            Source::Name => of_task(|task| task.glance().name_half(1)),
            Source::Cpu => self.fired.cpu.0.into(),
            Source::Timestamp => time::now().0,
            Source::WallTimestamp => time::now().0.wrapping_add(time::wall_clock_offset()),
            Source::Global => {
                self.loaded.globals.get(usize::from(index)).map_or(0, |word| word.load(Ordering::Relaxed))
            }
            Source::Local => self.loaded.locals.get(self.fired.thread, index),
            Source::Thread => self.fired.thread,
            Source::Probe => self.fired.probe.into(),
            Source::Text => self.loaded.keeper.as_ref().map_or(0, |keeper| keeper.text(index)),
            // The interpreter has them itself.
            Source::Clause => 0,
        }
    }
    fn store_global(&self, index: u8, value: u64) {
        if let Some(word) = self.loaded.globals.get(usize::from(index)) {
            word.store(value, Ordering::Relaxed);
        }
    }
    fn store_local(&self, index: u8, value: u64) {
        if !self.loaded.locals.set(self.fired.thread, index, value) {
            count(&DROPPED, self.fired.cpu);
        }
    }
    fn keep(&self, what: Keep, address: u64, most: u16) -> u64 {
        let Some(keeper) = &self.loaded.keeper else { return 0 };
        match keeper.keep(self.fired, what, address, most) {
            Some(number) => KEPT + u64::from(number),
            None => {
                if what != Keep::KnownText {
                    count(&NOT_KEPT, self.fired.cpu);
                }
                KEPT
            }
        }
    }
    fn snapshot(&self) {
        SNAPSHOT_WANTED.store(true, Ordering::Release);
    }
    fn aggregate(&self, table: u8, registers: &[u64], value: i64) {
        let tables = &self.loaded.tables[self.loaded.active.load(Ordering::Acquire) % 2];
        let table = tables.get(self.fired.cpu.0 as usize).and_then(|tables| tables.get(usize::from(table)));
        if !table.is_some_and(|table| table.add(registers, value)) {
            count(&DROPPED, self.fired.cpu);
        }
    }
    fn emit(&self, output: u16, values: &[u64]) {
        self.fired.emit(OUTPUT + output % (OUTPUT_LAST - OUTPUT + 1), values);
    }
    fn record(&self) {
        self.fired.record();
    }
    fn exit(&self, status: u64) {
        // The first one counts.
        let wanted = (status & 0xff) + 1;
        if EXIT_WANTED.compare_exchange(0, wanted, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.fired.emit(EXIT, &[status & 0xff]);
        }
    }
}
