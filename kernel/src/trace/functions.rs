//! Probes at the boundaries of the kernel's own functions, as the trace program wants them. The host names addresses; which of them are
//! functions that may have a probe, and where those return, is found out here and in [`machine::function_probe`], whatever the tool did.
use crate::lock_order;
use crate::observe;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use machine::function_probe::{self, MOST, Refused};
use machine::symbols;
use machine::sync::Mutex;
use machine::thread::CurrentThread;
use wire::observe::{FUNCTION, FUNCTION_LAST, FunctionProbe, Reader};

/// Refusals that are told one by one; the others are counted.
const TOLD: usize = 4;

/// The entries and returns of functions that have been chosen.
static CHOSEN: Mutex<Vec<usize>> = Mutex::new(&lock_order::TRACE_FUNCTIONS, Vec::new());

/// Takes the host's choice, and tells it which functions can have no probe.
pub(super) fn take(cx: &mut CurrentThread, payload: &[u8]) {
    let mut from = Reader(payload);
    let (mut asked, mut refused, mut told) = (0, 0, String::new());
    while let Some(wanted) = FunctionProbe::decode(&mut from) {
        asked += 1;
        if let Err(reason) = choose(cx, &wanted) {
            refused += 1;
            if refused <= TOLD {
                let name = usize::try_from(wanted.address).ok().and_then(symbols::find).map_or("?", |(name, _)| name);
                let boundary = if wanted.is_return { ":return" } else { "" };
                told.push_str(&format!("{}{name}{boundary} ({reason})", if refused == 1 { ": " } else { ", " }));
            }
        }
    }
    if refused > TOLD {
        told.push_str(&format!(", and {} more", refused - TOLD));
    }
    if refused != 0 {
        observe::refuse(cx, &format!("{refused} of {asked} functions have no probe{told}"));
    }
}

fn choose(cx: &mut CurrentThread, wanted: &FunctionProbe) -> Result<(), Refused> {
    let address = usize::try_from(wanted.address).map_err(|_| Refused::NoFunction)?;
    if !(FUNCTION..=FUNCTION_LAST).contains(&wanted.number) {
        return Err(Refused::NotOffered);
    }
    if CHOSEN.lock(cx).len() >= MOST {
        return Err(Refused::TooMany);
    }
    let added = if wanted.is_return {
        function_probe::add_returns(cx, address, wanted.number)?
    } else {
        function_probe::add(cx, address, wanted.number)?;
        let mut one = Vec::new();
        one.try_reserve_exact(1).map_err(|_| Refused::OutOfMemory)?;
        one.push(address);
        one
    };
    let mut chosen = CHOSEN.lock(cx);
    chosen.try_reserve(added.len()).map_err(|_| Refused::OutOfMemory)?;
    for place in added {
        if !chosen.contains(&place) {
            chosen.push(place);
        }
    }
    Ok(())
}

/// Arms the probes of all that was chosen, or disarms them.
pub(super) fn set_armed(cx: &mut CurrentThread, is_armed: bool) -> Result<(), String> {
    let chosen = core::mem::take(&mut *CHOSEN.lock(cx));
    let outcome = if chosen.is_empty() { Ok(()) } else { function_probe::set_armed(cx, &chosen, is_armed) };
    *CHOSEN.lock(cx) = chosen;
    outcome.map_err(|reason| format!("the probes of functions: {reason}"))
}

/// Forgets what was chosen, once it is disarmed.
pub(super) fn forget(cx: &mut CurrentThread) {
    *CHOSEN.lock(cx) = Vec::new();
}
