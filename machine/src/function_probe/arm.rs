//! Which functions are offered, and writing breakpoints over their first and last instructions and those back.
use super::table::{self, Found, MOST, count, find, next_slot, publish, slot_address};
use super::{hold, returns};
use crate::arch::function_probe::{self as arch, Code, SLOT_BYTES};
use crate::mm::code_window::CodeWindow;
use crate::symbols;
use crate::thread::CurrentThread;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use pure::returns::Unknown;
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
    /// Not every place where it is left can be told.
    Returns(Unknown),
    /// [`MOST`] places have had one.
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
            Refused::Returns(unknown) => write!(out, "{unknown}"),
            Refused::TooMany => write!(out, "{MOST} entries and returns can have probes"),
            Refused::OutOfMemory => write!(out, "no memory"),
            Refused::Busy => write!(out, "the processors could not be held"),
        }
    }
}

/// Code is being changed.
static IS_CHANGING: AtomicBool = AtomicBool::new(false);

/// Whether probes are offered at the function that begins at `address`.
fn check(address: usize) -> Result<(), Refused> {
    let (name, 0) = symbols::find(address).ok_or(Refused::NoFunction)? else { return Err(Refused::NoFunction) };
    if name == TRIAL || may_have_probe(name) { Ok(()) } else { Err(Refused::NotOffered) }
}

/// Gives the function at `address` a probe that fires as `number`, not armed yet. A function that has one gets the new number.
pub fn add(cx: &mut CurrentThread, address: usize, number: u16) -> Result<(), Refused> {
    check(address)?;
    change(|| {
        if let Some(found) = find(address) {
            publish(address, Found { number, ..found });
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
        publish(address, Found { number, slot, is_return: false, code: first });
        Ok(())
    })
}

/// Gives the function at `address` a probe wherever it returns, which fires as `number`, not armed yet; answers where that is. All of them or none.
/// Those that have one get the new number.
pub fn add_returns(cx: &mut CurrentThread, address: usize, number: u16) -> Result<Vec<usize>, Refused> {
    check(address)?;
    let mut all = Vec::new();
    change(|| {
        // Entries and returns go by pairs.
        if find(address).is_none() && arch::displaced(address).is_none() {
            return Err(Refused::FirstInstruction);
        }
        let returns = returns::of(address)?;
        all.try_reserve_exact(returns.places.len()).map_err(|_| Refused::OutOfMemory)?;
        all.extend(returns.places.iter().map(|place| address + place.offset));
        let new = || returns.places.iter().filter(|place| find(address + place.offset).is_none());
        // Those that the new places get, in their order.
        let slots = || (count()..).map_while(|slot| u16::try_from(slot).ok());
        if count() + new().count() > MOST {
            return Err(Refused::TooMany);
        }
        let window = CodeWindow::open(slots().take(new().count()).map(slot_address)).ok_or(Refused::OutOfMemory)?;
        for (place, slot) in new().zip(slots()) {
            let there = slot_address(slot);
            let instruction = returns.code.get(place.offset..place.offset + place.bytes).unwrap_or_default();
            let code = arch::way_out(there, address, instruction, place.leave);
            // SAFETY: 1. the slot is in the window, and nobody executes it: no entry leads to it yet. 2. the bytes are those of a whole slot.
            unsafe { arch::write_slot(window.place(there), there, code) };
        }
        window.close(cx);
        for place in &returns.places {
            let site = address + place.offset;
            let known = find(site);
            let code = known.map_or_else(|| arch::read(site), |found| found.code);
            if let Some(slot) = known.map(|found| found.slot).or_else(next_slot) {
                publish(site, Found { number, slot, is_return: true, code });
            }
        }
        Ok(())
    })?;
    Ok(all)
}

/// Arms or disarms the probes at these places, which have been added; others are left out. All at once: with an error nothing has changed.
pub fn set_armed(cx: &mut CurrentThread, addresses: &[usize], is_armed: bool) -> Result<(), Refused> {
    change(|| {
        let known = || addresses.iter().copied().filter_map(|address| Some((address, find(address)?)));
        let window = CodeWindow::open(known().map(|(address, _)| address)).ok_or(Refused::OutOfMemory)?;
        let is_done = hold::others(cx, || {
            for (address, found) in known() {
                let code = if is_armed { Code::BREAKPOINT } else { found.code };
                // SAFETY: 1. the place is in the window, and only this CPU runs, here. 2. the code is a breakpoint, or what stood there.
                unsafe { arch::write_place(window.place(address), address, code) };
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
