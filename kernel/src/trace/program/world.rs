//! Running clauses: what they see of the world and do to it.
use super::keep::Keeper;
use crate::task::Task;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use machine::cpu::{CpuId, MAX_CPUS};
use machine::time;
use machine::trace::{Consumer, Fired};
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
    /// Updates of aggregations and variables that found no place.
    pub(super) dropped: Counted,
    /// Stacks and texts for which there was no room.
    pub(super) not_kept: Counted,
    /// One more than the status with which all is to end; zero: it is not.
    pub(super) exit_wanted: AtomicU64,
    /// What was aggregated is to be told.
    pub(super) snapshot_wanted: AtomicBool,
}

/// Something that is counted on each CPU.
pub(super) struct Counted([AtomicU64; MAX_CPUS]);

impl Counted {
    pub(super) const fn new() -> Counted {
        Counted([const { AtomicU64::new(0) }; MAX_CPUS])
    }
    fn count(&self, cpu: CpuId) {
        self.0[cpu.0 as usize % MAX_CPUS].fetch_add(1, Ordering::Relaxed);
    }
    /// On all CPUs together.
    pub(super) fn sum(&self) -> u64 {
        self.0.iter().map(|counted| counted.load(Ordering::Relaxed)).sum()
    }
}

impl Loaded {
    /// Whether the program asked for the end.
    pub(super) fn wants_exit(&self) -> bool {
        self.exit_wanted.load(Ordering::Relaxed) != 0
    }

    /// Whether the program asked, since the last time, to have told what was aggregated.
    pub(super) fn takes_snapshot(&self) -> bool {
        self.snapshot_wanted.swap(false, Ordering::Acquire)
    }
}

impl Consumer for Loaded {
    /// A probe has fired: runs its clauses.
    fn consume(&self, fired: &Fired<'_>) {
        let mut variables = [0; MAX_CLAUSE_VARIABLES as usize];
        let first = self.by_probe.partition_point(|(probe, _)| *probe < fired.probe);
        for (_, clause) in self.by_probe[first..].iter().take_while(|(probe, _)| *probe == fired.probe) {
            let Some(clause) = self.program.clauses.get(usize::from(*clause)) else { continue };
            if run(&clause.instructions, &mut variables, &World { loaded: self, fired }).is_err() {
                self.dropped.count(fired.cpu);
            }
        }
    }
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
            self.loaded.dropped.count(self.fired.cpu);
        }
    }
    fn keep(&self, what: Keep, address: u64, most: u16) -> u64 {
        let Some(keeper) = &self.loaded.keeper else { return 0 };
        match keeper.keep(self.fired, what, address, most) {
            Some(number) => KEPT + u64::from(number),
            None => {
                if what != Keep::KnownText {
                    self.loaded.not_kept.count(self.fired.cpu);
                }
                KEPT
            }
        }
    }
    fn snapshot(&self) {
        self.loaded.snapshot_wanted.store(true, Ordering::Release);
    }
    fn aggregate(&self, table: u8, registers: &[u64], value: i64) {
        let tables = &self.loaded.tables[self.loaded.active.load(Ordering::Acquire) % 2];
        let table = tables.get(self.fired.cpu.0 as usize).and_then(|tables| tables.get(usize::from(table)));
        if !table.is_some_and(|table| table.add(registers, value)) {
            self.loaded.dropped.count(self.fired.cpu);
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
        if self.loaded.exit_wanted.compare_exchange(0, wanted, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.fired.emit(EXIT, &[status & 0xff]);
        }
    }
}
