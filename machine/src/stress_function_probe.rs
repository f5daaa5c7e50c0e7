//! A trial of the probes at function boundaries: while threads on every CPU call a function and check what it answers, another thread arms and
//! disarms its probe. The function always does what it should; every call while the probe is armed is told of, none while it is not.
use crate::cpu;
use crate::function_probe::{self, Refused};
use crate::stress::team;
use crate::thread::{CpuSet, CurrentThread};
use crate::trace::{self, Consumer, Fired};
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Threads that call the function.
const CALLERS: usize = 4;
/// Calls of each while the probe is armed for sure.
const CALLS: u64 = 500;
/// How often it is armed while they call it all the time.
const TURNS: usize = 16;
/// The probe's number, which no other has.
const NUMBER: u16 = 0xe000;

static FIRED: AtomicU64 = AtomicU64::new(0);
/// Sum of the arguments that the probe told.
static TOLD: AtomicU64 = AtomicU64::new(0);

struct Counting;

impl Consumer for Counting {
    fn consume(&self, fired: &Fired<'_>) {
        if fired.probe == NUMBER {
            FIRED.fetch_add(1, Ordering::Relaxed);
            TOLD.fetch_add(fired.arguments.first().copied().unwrap_or(0), Ordering::Relaxed);
            // Told of to nobody, and harmless: the consumer does not hear of itself.
            assert!(probed(7, 3) == answer(7, 3), "a probed function does what it did, in the consumer too");
        }
    }
}

fn answer(value: u64, salt: u64) -> u64 {
    (value ^ salt.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt)
}

/// The function with the probe. Its number of arguments and what it calls make it a function with a frame.
#[inline(never)]
extern "C" fn probed(value: u64, salt: u64) -> u64 {
    core::hint::black_box(&value);
    answer(core::hint::black_box(value), salt)
}

pub(crate) fn function_probes(cx: &mut CurrentThread) {
    // Without its names the image offers nothing.
    if crate::symbols::find(probed as *const () as usize).is_none() {
        return;
    }
    let address = probed as *const () as usize;
    trace::set_consumer(cx, Some(Arc::new(Counting)));
    assert!(function_probe::add(cx, address + 1, NUMBER) == Err(Refused::NoFunction), "not in the middle");
    assert!(function_probe::add(cx, 5, NUMBER) == Err(Refused::NoFunction), "not outside");
    let own = trace::fire as *const () as usize;
    assert!(function_probe::add(cx, own, NUMBER) == Err(Refused::NotOffered), "not what the probe itself uses");
    assert!(function_probe::add(cx, address, NUMBER) == Ok(()), "the trial's function can have a probe");
    assert!(function_probe::add(cx, address, NUMBER) == Ok(()), "twice is once");

    let set = move |cx: &mut CurrentThread, is_armed| {
        assert!(function_probe::set_armed(cx, &[address], is_armed) == Ok(()), "the other CPUs can be held");
    };
    // Exactly what is called is told.
    FIRED.store(0, Ordering::Relaxed);
    TOLD.store(0, Ordering::Relaxed);
    for is_armed in [false, true, false] {
        set(cx, is_armed);
        team(cx, CALLERS, move |cx, number| {
            cx.thread().set_affinity(CpuSet(1 << (number % cpu::count())));
            for value in 0..CALLS {
                assert!(probed(value, number as u64) == answer(value, number as u64), "a wrong answer");
            }
        });
    }
    let (fired, told) = (FIRED.load(Ordering::Relaxed), TOLD.load(Ordering::Relaxed));
    let calls = CALLERS as u64 * CALLS;
    assert!(fired == calls, "{calls} calls while it was armed, {fired} were told of");
    assert!(told == CALLERS as u64 * (CALLS * (CALLS - 1) / 2), "the arguments are those of the calls: {told}");

    // Armed and disarmed while everybody is in it.
    let is_over = Arc::new(AtomicBool::new(false));
    let started = Arc::new(AtomicUsize::new(0));
    team(cx, CALLERS + 1, move |cx, number| {
        if number < CALLERS {
            cx.thread().set_affinity(CpuSet(1 << (number % cpu::count())));
            started.fetch_add(1, Ordering::AcqRel);
            let mut value = 0;
            while !is_over.load(Ordering::Acquire) {
                assert!(probed(value, number as u64) == answer(value, number as u64), "a wrong answer");
                value += 1;
                if value % 64 == 0 {
                    cx.yield_now();
                }
            }
        } else {
            while started.load(Ordering::Acquire) < CALLERS {
                cx.yield_now();
            }
            for turn in 0..TURNS {
                set(cx, turn % 2 == 0);
                // The one before is freed while others may just be telling it.
                trace::set_consumer(cx, (turn % 4 != 3).then(|| Arc::new(Counting) as Arc<dyn Consumer>));
                cx.yield_now();
            }
            is_over.store(true, Ordering::Release);
        }
    });
    trace::set_consumer(cx, None);
}
