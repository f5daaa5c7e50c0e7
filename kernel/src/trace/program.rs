//! The trace program of a run: loaded once, before the program starts; run by the probes it is for; told at the end.
//!
//! The host sends it in pieces ([`Kind::Program`], each after a byte that is 1 for the last). It is verified here
//! ([`Program::decode`]) whatever the tool did. Its clauses run where the probes stand, with interrupts off: what they touch is per CPU or atomic,
//! and was allocated when the program was loaded. What finds no place is counted and told as [`Dropped::Updates`].
//!
//! Besides the probes of the kernel there are three of the program itself, whose numbers belong to no provider: [`BEGIN`], [`END`], and
//! [`TICK`] and the following, fired by the observation channel's thread, whose intervals the host sends before the program
//! ([`Kind::Ticks`]).
use super::{control, functions};
use crate::observe;
use crate::task::Task;
use abi::Siginfo;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::cpu::{self, CpuId, MAX_CPUS};
use machine::sync::{Mutex, Once};
use machine::thread::CurrentThread;
use machine::time::{self, Instant};
use machine::trace::{Fired, fire, set_consumer, set_watched};
use pure::trace_program::{Environment, MAX_GLOBALS, MAX_IMAGE, Program, Source, Table, Variables, run};
use wire::observe::{BEGIN, Dropped, Drops, END, EXIT, Kind, MAX_PAYLOAD, OUTPUT, OUTPUT_LAST, TICK, Writer};

/// Most ticks a program may have.
const TICKS: usize = 16;

/// A loaded program.
struct Loaded {
    program: Program,
    /// For each probe, in order, which clauses are to be run: pairs of probe and clause.
    by_probe: Vec<(u16, u16)>,
    /// The aggregations of each CPU.
    tables: Vec<Vec<Table>>,
    locals: Variables,
    globals: [AtomicU64; MAX_GLOBALS as usize],
}

static LOADED: Once<Loaded> = Once::new();
/// What found no place, by CPU.
static DROPPED: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];
/// One more than the status with which the run is to end; zero: it is not.
static EXIT_WANTED: AtomicU64 = AtomicU64::new(0);

/// What is gathered before the program is there, and what is watched while it runs.
struct Setup {
    image: Vec<u8>,
    /// Intervals in nanoseconds, and when they are next over.
    ticks: Vec<(u64, Instant)>,
    is_exit_done: bool,
    has_ended: bool,
}

static SETUP: Mutex<Setup> = Mutex::new(
    &crate::lock_order::TRACE_PROGRAM,
    Setup { image: Vec::new(), ticks: Vec::new(), is_exit_done: false, has_ended: false },
);

/// Registers the host's requests. Called before the first of them can come.
pub(crate) fn start() {
    observe::on_request(Kind::Program, take_piece);
    observe::on_request(Kind::Ticks, take_ticks);
    observe::on_request(Kind::Functions, functions::take);
    observe::add_source(source);
}

fn take_ticks(cx: &mut CurrentThread, payload: &[u8]) {
    let mut setup = SETUP.lock(cx);
    for interval in payload.as_chunks::<8>().0 {
        let interval = u64::from_le_bytes(*interval).max(1_000_000);
        if setup.ticks.len() < TICKS && setup.ticks.try_reserve(1).is_ok() {
            setup.ticks.push((interval, time::now().after(interval)));
        }
    }
}

fn take_piece(cx: &mut CurrentThread, payload: &[u8]) {
    let Some((is_last, piece)) = payload.split_first() else { return };
    let image = {
        let mut setup = SETUP.lock(cx);
        if setup.image.len() + piece.len() > MAX_IMAGE || setup.image.try_reserve(piece.len()).is_err() {
            drop(setup);
            return observe::refuse(cx, "the trace program is too long");
        }
        setup.image.extend_from_slice(piece);
        if *is_last == 0 {
            return;
        }
        core::mem::take(&mut setup.image)
    };
    match load(cx, &image) {
        Ok(()) => fire(BEGIN, &[]),
        Err(reason) => observe::refuse(cx, &reason),
    }
}

/// Loads a program and switches its probes on.
fn load(cx: &mut CurrentThread, image: &[u8]) -> Result<(), alloc::string::String> {
    use alloc::string::ToString;
    let program = Program::decode(image).map_err(|refused| refused.to_string())?;
    let no_memory = || "no memory for the trace program's tables".to_string();
    let mut by_probe = Vec::new();
    for (number, clause) in program.clauses.iter().enumerate() {
        by_probe.try_reserve(clause.probes.len()).map_err(|_| no_memory())?;
        // CAST: their number came as 16 bits.
        by_probe.extend(clause.probes.iter().map(|probe| (*probe, number as u16)));
    }
    by_probe.sort_unstable();
    let mut tables = Vec::new();
    tables.try_reserve_exact(cpu::count()).map_err(|_| no_memory())?;
    for _ in 0..cpu::count() {
        let mut own = Vec::new();
        own.try_reserve_exact(program.tables.len()).map_err(|_| no_memory())?;
        for shape in &program.tables {
            own.push(Table::new(*shape).ok_or_else(no_memory)?);
        }
        tables.push(own);
    }
    let locals = Variables::new().ok_or_else(no_memory)?;
    let globals = [const { AtomicU64::new(0) }; MAX_GLOBALS as usize];
    let mut is_new = false;
    let loaded = LOADED.call_once(|| {
        is_new = true;
        Loaded { program, by_probe, tables, locals, globals }
    });
    if !is_new {
        return Err("there is a trace program already".to_string());
    }
    set_consumer(consume);
    for (probe, _) in &loaded.by_probe {
        set_watched(*probe, true);
    }
    control::update_watch();
    functions::set_armed(cx, true)
}

/// A probe has fired: runs its clauses.
fn consume(fired: &Fired<'_>) {
    let Some(loaded) = LOADED.get() else { return };
    let first = loaded.by_probe.partition_point(|(probe, _)| *probe < fired.probe);
    for (_, clause) in loaded.by_probe[first..].iter().take_while(|(probe, _)| *probe == fired.probe) {
        let Some(clause) = loaded.program.clauses.get(usize::from(*clause)) else { continue };
        if run(&clause.instructions, &World { loaded, fired }).is_err() {
            drop_one(fired.cpu);
        }
    }
}

fn drop_one(cpu: CpuId) {
    DROPPED[cpu.0 as usize % MAX_CPUS].fetch_add(1, Ordering::Relaxed);
}

/// What a clause sees.
struct World<'a> {
    loaded: &'a Loaded,
    fired: &'a Fired<'a>,
}

impl World<'_> {
    /// Something of the task whose thread runs; zero in the kernel's own threads.
    fn of_task(&self, read: impl Fn(&Task) -> u64) -> u64 {
        let mut value = 0;
        self.fired.with_thread_data(&mut |data| {
            if let Some(task) = data.downcast_ref::<Task>() {
                value = read(task);
            }
        });
        value
    }
}

impl Environment for World<'_> {
    fn load(&self, source: Source, index: u8) -> u64 {
        match source {
            Source::Argument => self.fired.arguments.get(usize::from(index)).copied().unwrap_or(0),
            Source::Pid => self.of_task(|task| task.process().pid().into()),
            Source::Tid => self.of_task(|task| task.tid().into()),
            Source::ParentPid => self.of_task(|task| task.process().parent_pid().into()),
            Source::Uid => self.of_task(|task| task.glance().user().into()),
            Source::Name => self.of_task(|task| task.glance().name_half(index)),
            Source::Cpu => self.fired.cpu.0.into(),
            Source::Timestamp => time::now().0,
            Source::WallTimestamp => time::now().0.wrapping_add(time::wall_clock_offset()),
            Source::Global => {
                self.loaded.globals.get(usize::from(index)).map_or(0, |word| word.load(Ordering::Relaxed))
            }
            Source::Local => self.loaded.locals.get(self.fired.thread, index),
            Source::Thread => self.fired.thread,
            Source::Probe => self.fired.probe.into(),
        }
    }
    fn store_global(&self, index: u8, value: u64) {
        if let Some(word) = self.loaded.globals.get(usize::from(index)) {
            word.store(value, Ordering::Relaxed);
        }
    }
    fn store_local(&self, index: u8, value: u64) {
        if !self.loaded.locals.set(self.fired.thread, index, value) {
            drop_one(self.fired.cpu);
        }
    }
    fn aggregate(&self, table: u8, registers: &[u64], value: i64) {
        let tables = self.loaded.tables.get(self.fired.cpu.0 as usize);
        let table = tables.and_then(|tables| tables.get(usize::from(table)));
        if !table.is_some_and(|table| table.add(registers, value)) {
            drop_one(self.fired.cpu);
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

/// What the observation channel asks regularly: ticks, the wish to end, and at the end the aggregations.
fn source(cx: &mut CurrentThread, is_last: bool) -> bool {
    let Some(loaded) = LOADED.get() else { return false };
    if is_last {
        return end(cx, loaded);
    }
    let mut due = [false; TICKS];
    let wants_exit = {
        let mut setup = SETUP.lock(cx);
        let now = time::now();
        for ((interval, next), due) in setup.ticks.iter_mut().zip(&mut due) {
            if now >= *next {
                // Ticks that were missed are not made up for.
                *next = now.after(*interval);
                *due = true;
            }
        }
        !setup.is_exit_done && EXIT_WANTED.load(Ordering::Relaxed) != 0
    };
    for (number, _) in due.iter().enumerate().filter(|(_, due)| **due) {
        // CAST: at most 16.
        fire(TICK + number as u16, &[]);
    }
    if wants_exit {
        // Before the program is there, nobody takes it; then the next time.
        let is_sent = crate::signal::send_to_group(cx, crate::start::FIRST_PROGRAM, Siginfo::kernel(SIGKILL)).is_ok();
        SETUP.lock(cx).is_exit_done = is_sent;
    }
    false
}

const SIGKILL: i32 = 9;

/// The run is over: the last clauses, then everything that was gathered.
fn end(cx: &mut CurrentThread, loaded: &Loaded) -> bool {
    if core::mem::replace(&mut SETUP.lock(cx).has_ended, true) {
        return false;
    }
    for (probe, _) in &loaded.by_probe {
        set_watched(*probe, false);
    }
    control::update_watch();
    if let Err(reason) = functions::set_armed(cx, false) {
        observe::refuse(cx, &reason);
    }
    fire(END, &[]);
    let mut payload = Vec::new();
    if payload.try_reserve_exact(MAX_PAYLOAD).is_err() {
        observe::refuse(cx, "no memory to tell the aggregations");
        return true;
    }
    payload.resize(MAX_PAYLOAD, 0);
    for tables in &loaded.tables {
        for (number, table) in tables.iter().enumerate() {
            // CAST: at most 16 tables.
            send_table(cx, number as u8, table, &mut payload);
        }
    }
    let dropped: u64 = DROPPED.iter().map(|dropped| dropped.load(Ordering::Relaxed)).sum();
    if dropped != 0 {
        let drops = Drops { what: Dropped::Updates, count: dropped };
        observe::send(cx, Kind::Drops, 0, &drops.encode());
    }
    true
}

/// Sends a table's entries: key, then how many words of the value are not zero, then each with its place.
fn send_table(cx: &mut CurrentThread, number: u8, table: &Table, payload: &mut [u8]) {
    let entry_bytes = 8 * usize::from(table.shape().key_words) + 2 + 10 * table.shape().value_words();
    let mut used = 0;
    table.visit(&mut |key, value| {
        if used + entry_bytes > payload.len() {
            observe::send(cx, Kind::Aggregations, number, &payload[..used]);
            used = 0;
        }
        let mut out = Writer::new(&mut payload[used..]);
        key.iter().for_each(|word| {
            out.u64(word.load(Ordering::Relaxed));
        });
        let words = || value.iter().map(|word| word.load(Ordering::Relaxed)).enumerate();
        let is_set = |(_, word): &(usize, u64)| *word != 0;
        // CAST: a value has a few hundred words at most.
        out.u16(words().filter(is_set).count() as u16);
        for (place, word) in words().filter(is_set) {
            out.u16(place as u16).u64(word);
        }
        used += out.finish().unwrap_or(0);
    });
    if used != 0 {
        observe::send(cx, Kind::Aggregations, number, &payload[..used]);
    }
}
