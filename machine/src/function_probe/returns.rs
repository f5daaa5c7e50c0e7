//! Where a function is left: its code is copied, as it is without breakpoints, and read by `pure::returns`.
use super::arm::Refused;
use super::table;
use crate::arch::function_probe as arch;
use crate::mm::kernel_map;
use crate::symbols;
use alloc::vec::Vec;
use core::ptr;
use pure::returns::{Leave, MOST_BYTES, Place, Unknown};

/// A function's code and the places where it is left.
pub(super) struct Returns {
    pub(super) code: Vec<u8>,
    pub(super) places: Vec<Place>,
}

/// Of the function that begins at `address`, says the symbol table.
pub(super) fn of(address: usize) -> Result<Returns, Refused> {
    let image = kernel_map::code();
    let end = symbols::end(address).filter(|end| *end <= image.end && address >= image.start);
    let bytes = end.and_then(|end| end.checked_sub(address)).ok_or(Refused::NoFunction)?;
    if bytes > MOST_BYTES {
        return Err(Refused::Returns(Unknown::TooLong));
    }
    let mut code = Vec::new();
    code.try_reserve_exact(bytes).map_err(|_| Refused::OutOfMemory)?;
    for byte in address..address + bytes {
        // SAFETY: within the image's code, which can be read. Whoever changes it is this caller.
        code.push(unsafe { ptr::with_exposed_provenance::<u8>(byte).read_volatile() });
    }
    for offset in 0..bytes {
        if let Some(found) = table::find(address + offset) {
            arch::put_back(&mut code[offset..], found.code);
        }
    }
    let places = arch::places(&code).map_err(Refused::Returns)?;
    let fits = |place: &&Place| place.leave != Leave::Anywhere || place.bytes <= arch::SLOT_BYTES;
    if let Some(longer) = places.iter().find(|place| !fits(place)) {
        return Err(Refused::Returns(Unknown::Instruction(longer.offset)));
    }
    Ok(Returns { code, places })
}
