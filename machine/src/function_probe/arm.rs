//! Which functions are offered, and writing breakpoints over their first instructions and those back.
use super::hold;
use super::table::{self, MOST, find, next_slot, publish, slot_address};
use crate::arch::function_probe::{self as arch, Code, SLOT_BYTES};
use crate::mm::code_window::CodeWindow;
use crate::symbols;
use crate::thread::CurrentThread;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use wire::symbols::may_have_probe;

/// A trial's own function.
const TRIAL: &str = "machine::stress_function_probe::probed";

/// Why a function has no probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// No function begins at this address, as far as the image's symbol table says.
    NoFunction,
    /// It is not offered: entry code, the core, or tracing itself.
    NotOffered,
    /// It does not begin with an instruction that can be executed elsewhere.
    FirstInstruction,
    /// [`MOST`] functions have had one.
    TooMany,
    /// No memory for the mapping in which code is written.
    OutOfMemory,
    /// The other CPUs could not be held, or somebody else is at it.
    Busy,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoFunction => write!(out, "no function begins there"),
            Refused::NotOffered => write!(out, "probes are not offered there"),
            Refused::FirstInstruction => write!(out, "its first instruction cannot be moved"),
            Refused::TooMany => write!(out, "{MOST} functions can have probes"),
            Refused::OutOfMemory => write!(out, "no memory"),
            Refused::Busy => write!(out, "the processors could not be held"),
        }
    }
}

/// Code is being changed.
static IS_CHANGING: AtomicBool = AtomicBool::new(false);

/// Gives the function at `address` a probe that fires as `number`, not armed yet. A function that has one gets the new number.
pub fn add(cx: &mut CurrentThread, address: usize, number: u16) -> Result<(), Refused> {
    let (name, 0) = symbols::find(address).ok_or(Refused::NoFunction)? else { return Err(Refused::NoFunction) };
    if name != TRIAL && !may_have_probe(name) {
        return Err(Refused::NotOffered);
    }
    change(|| {
        if let Some(found) = find(address) {
            publish(address, number, found.slot);
            return Ok(());
        }
        let first = arch::displaced(address).ok_or(Refused::FirstInstruction)?;
        let slot = next_slot().ok_or(Refused::TooMany)?;
        let place = slot_address(slot);
        let window = CodeWindow::open([place].into_iter()).ok_or(Refused::OutOfMemory)?;
        let code = arch::slot_code(place, first, address);
        // SAFETY: 1. the slot is in the window, and nobody executes it: no entry leads to it yet. 2. the bytes are those of a whole slot.
        unsafe { arch::write_slot(window.place(place), place, code) };
        window.close(cx);
        publish(address, number, slot);
        Ok(())
    })
}

/// Arms or disarms the probes of these functions, which have been added; others are left out. All at once: with an error nothing has changed.
pub fn set_armed(cx: &mut CurrentThread, addresses: &[usize], is_armed: bool) -> Result<(), Refused> {
    change(|| {
        let known = || addresses.iter().copied().filter_map(|address| Some((address, find(address)?)));
        let window = CodeWindow::open(known().map(|(address, _)| address)).ok_or(Refused::OutOfMemory)?;
        let is_done = hold::others(cx, || {
            for (address, found) in known() {
                let code = if is_armed { Code::BREAKPOINT } else { arch::first_of_slot(slot_address(found.slot)) };
                // SAFETY: 1. the function is in the window, and only this CPU runs, here. 2. the code is a breakpoint, or what the slot
                // shows stood there.
                unsafe { arch::write_first(window.place(address), address, code) };
            }
        });
        window.close(cx);
        if is_done { Ok(()) } else { Err(Refused::Busy) }
    })
}

/// Lets one caller at a time change code.
fn change(body: impl FnOnce() -> Result<(), Refused>) -> Result<(), Refused> {
    if IS_CHANGING.swap(true, Ordering::Acquire) {
        return Err(Refused::Busy);
    }
    let outcome = body();
    IS_CHANGING.store(false, Ordering::Release);
    outcome
}

const _: () = assert!(SLOT_BYTES * MOST <= 64 * 1024 && table::MOST <= u16::MAX as usize);
