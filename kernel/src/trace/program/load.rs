//! From the host's frames to a program that runs.
use super::keep::Keeper;
use super::tell;
use super::world::{Counted, Loaded};
use crate::observe;
use crate::trace::{control, functions, user_functions};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use machine::cpu;
use machine::sample;
use machine::sync::Mutex;
use machine::thread::CurrentThread;
use machine::time::{self, Instant};
use machine::trace::{fire, set_consumer, set_watched};
use pure::trace_program::{Instruction, MAX_GLOBALS, MAX_IMAGE, Program, Table, Variables};
use wire::observe::{BEGIN, Kind};

/// Most ticks a program may have.
pub(super) const TICKS: usize = 16;

/// What is gathered before the program is there, and what is watched while it runs.
pub(super) struct Setup {
    image: Vec<u8>,
    /// Intervals in nanoseconds, and when they are next over.
    pub(super) ticks: Vec<(u64, Instant)>,
    /// How often a second the profile probe is to fire; zero: not at all.
    rate: u32,
    pub(super) is_exit_done: bool,
    /// The program, once it is there.
    pub(super) loaded: Option<Arc<Loaded>>,
}

impl Setup {
    /// Nothing.
    pub(super) const fn new() -> Setup {
        Setup { image: Vec::new(), ticks: Vec::new(), rate: 0, is_exit_done: false, loaded: None }
    }
}

pub(super) static SETUP: Mutex<Setup> = Mutex::new(&crate::lock_order::TRACE_PROGRAM, Setup::new());

/// Registers the host's requests. Called before the first of them can come.
pub(crate) fn start() {
    observe::on_request(Kind::Program, take_piece);
    observe::on_request(Kind::Ticks, take_ticks);
    observe::on_request(Kind::Rate, take_rate);
    observe::on_request(Kind::Functions, functions::take);
    observe::on_request(Kind::UserFunctions, user_functions::take);
    observe::add_source(tell::source);
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

fn take_rate(cx: &mut CurrentThread, payload: &[u8]) {
    if let Some(rate) = payload.first_chunk::<4>() {
        SETUP.lock(cx).rate = u32::from_le_bytes(*rate);
    }
}

fn take_piece(cx: &mut CurrentThread, payload: &[u8]) {
    let Some((is_last, piece)) = payload.split_first() else { return };
    let (image, rate) = {
        let mut setup = SETUP.lock(cx);
        if setup.image.len() + piece.len() > MAX_IMAGE || setup.image.try_reserve(piece.len()).is_err() {
            drop(setup);
            return observe::refuse(cx, "the trace program is too long");
        }
        setup.image.extend_from_slice(piece);
        if *is_last == 0 {
            return;
        }
        if setup.loaded.is_some() {
            setup.image = Vec::new();
            drop(setup);
            return observe::refuse(cx, "there is a trace program already");
        }
        (core::mem::take(&mut setup.image), setup.rate)
    };
    if let Err(reason) = load(cx, &image) {
        return observe::refuse(cx, &reason);
    }
    fire(BEGIN, &[]);
    if rate != 0 && !sample::start_probe(cx, rate) {
        observe::refuse(cx, "the profile probe cannot fire so often, or samples are taken");
    }
}

/// Loads a program and switches its probes on.
fn load(cx: &mut CurrentThread, image: &[u8]) -> Result<(), String> {
    let program = Program::decode(image).map_err(|refused| refused.to_string())?;
    let no_memory = || "no memory for the trace program's tables".to_string();
    let mut by_probe = Vec::new();
    for (number, clause) in program.clauses.iter().enumerate() {
        by_probe.try_reserve(clause.probes.len()).map_err(|_| no_memory())?;
        // CAST: their number came as 16 bits.
        by_probe.extend(clause.probes.iter().map(|probe| (*probe, number as u16)));
    }
    by_probe.sort_unstable();
    let is_told_meanwhile = program.has(|instruction| *instruction == Instruction::Snapshot);
    let active = tables(&program).ok_or_else(no_memory)?;
    let spare = if is_told_meanwhile { tables(&program).ok_or_else(no_memory)? } else { Vec::new() };
    let keeps = !program.texts.is_empty() || program.has(|instruction| matches!(instruction, Instruction::Keep { .. }));
    let keeper = if keeps { Some(Keeper::new(&program.texts).ok_or_else(no_memory)?) } else { None };
    let locals = Variables::new().ok_or_else(no_memory)?;
    let globals = [const { AtomicU64::new(0) }; MAX_GLOBALS as usize];
    let loaded = Arc::new(Loaded {
        program,
        by_probe,
        tables: [active, spare],
        active: AtomicUsize::new(0),
        keeper,
        locals,
        globals,
        dropped: Counted::new(),
        not_kept: Counted::new(),
        exit_wanted: AtomicU64::new(0),
        snapshot_wanted: AtomicBool::new(false),
    });
    SETUP.lock(cx).loaded = Some(loaded.clone());
    set_consumer(cx, Some(loaded.clone()));
    for (probe, _) in &loaded.by_probe {
        set_watched(*probe, true);
    }
    control::update_watch();
    user_functions::arm(cx);
    functions::set_armed(cx, true)
}

/// The program's aggregations for every CPU. `None` without memory.
fn tables(program: &Program) -> Option<Vec<Vec<Table>>> {
    let mut tables = Vec::new();
    tables.try_reserve_exact(cpu::count()).ok()?;
    for _ in 0..cpu::count() {
        let mut own = Vec::new();
        own.try_reserve_exact(program.tables.len()).ok()?;
        for shape in &program.tables {
            own.push(Table::new(*shape)?);
        }
        tables.push(own);
    }
    Some(tables)
}
