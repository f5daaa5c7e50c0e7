//! Which addresses have a probe: a hash table in static memory that is only ever added to, so that a trap may look into it at any time.
//!
//! One writer at a time ([`super::arm`]); an entry is complete before its address is published.
use crate::addr::IMAGE_BASE;
use crate::arch::function_probe::{Code, SLOT_BYTES, SLOTS, slots};
use core::sync::atomic::{AtomicU32, Ordering};

/// Most places that can have had a probe since the machine started: entries of functions, and their returns.
pub const MOST: usize = SLOTS;
/// Places of the table: never more than half of them taken, so chains are short and there is always an end.
const PLACES: usize = 2 * MOST;

/// A place: the address's offset in the image and one, zero while it is free; the probe's number (high half), [`IS_RETURN`] and slot; and what
/// stood there.
struct Place {
    key: AtomicU32,
    what: AtomicU32,
    code: AtomicU32,
}

/// In the low half of [`Place::what`]: the function is left there.
const IS_RETURN: u16 = 1 << 15;

const _: () = assert!(MOST <= IS_RETURN as usize);

static TABLE: [Place; PLACES] =
    [const { Place { key: AtomicU32::new(0), what: AtomicU32::new(0), code: AtomicU32::new(0) } }; PLACES];
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// What is known of a probe's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// The number it fires as.
    pub(super) number: u16,
    /// Its slot.
    pub(super) slot: u16,
    /// The function is left there; else it begins there.
    pub(super) is_return: bool,
    /// What stood there.
    pub(super) code: Code,
}

/// How many places have had a probe.
pub fn count() -> usize {
    TAKEN.load(Ordering::Relaxed) as usize
}

fn key_of(address: usize) -> Option<u32> {
    u32::try_from(address.checked_sub(IMAGE_BASE)?).ok()?.checked_add(1)
}

/// The places where a key may stand, in order.
fn places_of(key: u32) -> impl Iterator<Item = &'static Place> {
    let start = key.wrapping_mul(0x9e37_79b1) as usize / (1 << 16);
    (0..PLACES).map(move |step| &TABLE[(start + step) % PLACES])
}

/// The probe at `address`.
pub(super) fn find(address: usize) -> Option<Found> {
    let key = key_of(address)?;
    for place in places_of(key) {
        match place.key.load(Ordering::Acquire) {
            0 => return None,
            found if found == key => {
                let what = place.what.load(Ordering::Relaxed);
                // CAST: the halves of it.
                let (number, low) = ((what >> 16) as u16, what as u16);
                let code = Code::of_word(place.code.load(Ordering::Relaxed));
                return Some(Found { number, slot: low & !IS_RETURN, is_return: low & IS_RETURN != 0, code });
            }
            _ => {}
        }
    }
    None
}

/// The slot that the next new address gets; `None`: all are taken.
pub(super) fn next_slot() -> Option<u16> {
    u16::try_from(count()).ok().filter(|slot| usize::from(*slot) < MOST)
}

/// Adds an address with the slot of [`next_slot`], which has been filled; or gives a known address another number. One caller at a time.
pub(super) fn publish(address: usize, found: Found) {
    let Some(key) = key_of(address) else { return };
    for place in places_of(key) {
        let known = place.key.load(Ordering::Relaxed);
        if known == key || known == 0 {
            let low = found.slot | if found.is_return { IS_RETURN } else { 0 };
            place.code.store(found.code.word(), Ordering::Relaxed);
            place.what.store(u32::from(found.number) << 16 | u32::from(low), Ordering::Relaxed);
            if known == 0 {
                place.key.store(key, Ordering::Release);
                TAKEN.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
    }
}

/// Where a slot's code lies.
pub(super) fn slot_address(slot: u16) -> usize {
    slots() + usize::from(slot) % MOST * SLOT_BYTES
}
