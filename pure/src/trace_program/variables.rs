//! The threads' own variables: a table from thread and variable to a value, which any number of CPUs use at once without locks.
//!
//! A variable belongs to one thread, which runs on one CPU at a time, so only finding a free place is contended: places are claimed by
//! compare-and-exchange. A variable's place is one of [`TRIES`] after its hash; all of them are looked at, so a place that becomes free needs no mark. A
//! variable that is set to zero gives its place back; one that was never set is zero.
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

/// Places in the table.
const PLACES: usize = 16 * 1024;
/// Places looked at for a variable.
const TRIES: usize = 16;

/// A variable's place.
struct Place {
    /// Zero: free. Otherwise thread and variable, see [`key_of`].
    key: AtomicU64,
    value: AtomicU64,
}

/// The table.
pub struct Variables(Box<[Place]>);

fn key_of(thread: u64, index: u8) -> u64 {
    (thread << 8 | u64::from(index)).wrapping_add(1)
}

impl Variables {
    /// An empty one. `None` without memory.
    pub fn new() -> Option<Variables> {
        let mut places = Vec::new();
        places.try_reserve_exact(PLACES).ok()?;
        places.resize_with(PLACES, || Place { key: AtomicU64::new(0), value: AtomicU64::new(0) });
        Some(Variables(places.into_boxed_slice()))
    }

    fn places(&self, key: u64) -> impl Iterator<Item = &Place> {
        // CAST: cut to the table's size.
        let start = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize;
        (0..TRIES).filter_map(move |offset| self.0.get((start + offset) % PLACES))
    }

    /// The value of a thread's variable.
    pub fn get(&self, thread: u64, index: u8) -> u64 {
        let key = key_of(thread, index);
        let place = self.places(key).find(|place| place.key.load(Ordering::Relaxed) == key);
        place.map_or(0, |place| place.value.load(Ordering::Relaxed))
    }

    /// Sets it; called by that thread only. False: there was no place.
    pub fn set(&self, thread: u64, index: u8, value: u64) -> bool {
        let key = key_of(thread, index);
        if let Some(place) = self.places(key).find(|place| place.key.load(Ordering::Relaxed) == key) {
            place.value.store(value, Ordering::Relaxed);
            if value == 0 {
                place.key.store(0, Ordering::Release);
            }
            return true;
        }
        if value == 0 {
            return true;
        }
        let claim = |place: &&Place| place.key.compare_exchange(0, key, Ordering::Acquire, Ordering::Relaxed).is_ok();
        match self.places(key).find(claim) {
            Some(place) => {
                place.value.store(value, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_their_threads_own() {
        let variables = Variables::new().unwrap();
        assert!(variables.set(1, 0, 10) && variables.set(2, 0, 20) && variables.set(1, 1, 11));
        assert_eq!((variables.get(1, 0), variables.get(2, 0), variables.get(1, 1)), (10, 20, 11));
        assert!(variables.set(1, 0, 0));
        assert_eq!((variables.get(1, 0), variables.get(2, 0)), (0, 20));
    }

    #[test]
    fn places_are_given_back() {
        let variables = Variables::new().unwrap();
        for thread in 0..10 * PLACES as u64 {
            assert!(variables.set(thread, 3, 1) && variables.set(thread, 3, 0));
        }
        let kept = (0..2 * PLACES as u64).filter(|thread| variables.set(*thread, 0, 1)).count();
        assert!(kept > PLACES / 2 && kept <= PLACES, "{kept}");
    }

    #[test]
    fn threads_do_not_disturb_each_other() {
        let variables = Variables::new().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let variables = &variables;
                scope.spawn(move || {
                    for round in 1..20_000u64 {
                        let index = (round % 16) as u8;
                        assert!(variables.set(thread, index, round));
                        assert_eq!(variables.get(thread, index), round);
                        assert!(variables.set(thread, index, 0));
                    }
                });
            }
        });
    }
}
