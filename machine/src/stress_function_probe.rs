//! A trial of the probes at function boundaries: while threads on every CPU call a function and check what it answers, another thread arms and
//! disarms its probes. The function always does what it should; every call and every return while they are armed is told of, none while they
//! are not.
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
/// The probes' numbers, which no others have.
const NUMBER: u16 = 0xe000;
const RETURN: u16 = 0xe001;

/// How often each has fired.
static FIRED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
/// Sums of the arguments and of the answers that they told.
static TOLD: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
/// Returns whose stack does not begin with the function and its caller, as far as names tell.
static STRANGE: AtomicU64 = AtomicU64::new(0);

struct Counting;

impl Consumer for Counting {
    fn consume(&self, fired: &Fired<'_>) {
        if let NUMBER | RETURN = fired.probe {
            let which = usize::from(fired.probe - NUMBER);
            FIRED[which].fetch_add(1, Ordering::Relaxed);
            TOLD[which].fetch_add(fired.arguments.first().copied().unwrap_or(0), Ordering::Relaxed);
            STRANGE.fetch_add((!has_caller(fired)).into(), Ordering::Relaxed);
            // Told of to nobody, and harmless: the consumer does not hear of itself.
            assert!(probed(7, 3) == answer(7, 3), "a probed function does what it did, in the consumer too");
        }
    }
}

/// Whether the stack goes on from the function to one of the trial's others, which called it.
fn has_caller(fired: &Fired<'_>) -> bool {
    let (mut is_inside, mut is_right) = (false, false);
    fired.kernel_stack(&mut |address| {
        // CAST: code addresses.
        let name = |address: u64| crate::symbols::find(address as usize).map_or("", |(name, _)| name);
        if is_inside {
            is_right = name(address - 1).contains(CALLER);
            return false;
        }
        is_inside = name(address) == PROBED;
        true
    });
    is_right
}

/// The function's name, and what is in those of the closures that call it.
const PROBED: &str = "machine::stress_function_probe::probed";
const CALLER: &str = "stress_function_probe::call";

fn answer(value: u64, salt: u64) -> u64 {
    (value ^ salt.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt)
}

/// The function with the probe. Its number of arguments and what it calls make it a function with a frame.
#[inline(never)]
extern "C" fn probed(value: u64, salt: u64) -> u64 {
    core::hint::black_box(&value);
    answer(core::hint::black_box(value), salt)
}

/// Calls it, and checks what it answers.
#[inline(never)]
fn call(value: u64, number: usize) {
    assert!(probed(value, number as u64) == answer(value, number as u64), "a wrong answer");
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
    assert!(function_probe::add_returns(cx, address + 1, RETURN) == Err(Refused::NoFunction), "not in the middle");
    assert!(function_probe::add_returns(cx, own, RETURN) == Err(Refused::NotOffered), "not what the probe itself uses");
    let Ok(mut places) = function_probe::add_returns(cx, address, RETURN) else {
        panic!("the trial's function can have a probe where it returns");
    };
    assert!(!places.is_empty() && !places.contains(&address), "it returns somewhere behind its entry");
    assert!(function_probe::add_returns(cx, address, RETURN).as_ref() == Ok(&places), "twice is once");
    places.push(address);
    let places = Arc::new(places);

    let set = move |cx: &mut CurrentThread, is_armed| {
        assert!(function_probe::set_armed(cx, &places, is_armed) == Ok(()), "the other CPUs can be held");
    };
    // Exactly what is called is told.
    FIRED.iter().chain(&TOLD).chain([&STRANGE]).for_each(|count| count.store(0, Ordering::Relaxed));
    for is_armed in [false, true, false] {
        set(cx, is_armed);
        team(cx, CALLERS, move |cx, number| {
            cx.thread().set_affinity(CpuSet(1 << (number % cpu::count())));
            for value in 0..CALLS {
                call(value, number);
            }
        });
    }
    let calls = CALLERS as u64 * CALLS;
    let sum = |value: &dyn Fn(u64, u64) -> u64| {
        let all = (0..CALLERS as u64).flat_map(|number| (0..CALLS).map(move |call| (call, number)));
        all.fold(0u64, |sum, (call, number)| sum.wrapping_add(value(call, number)))
    };
    for (which, (what, sum)) in [("arguments", sum(&|call, _| call)), ("answers", sum(&answer))].into_iter().enumerate()
    {
        let (fired, told) = (FIRED[which].load(Ordering::Relaxed), TOLD[which].load(Ordering::Relaxed));
        assert!(fired == calls, "{calls} calls while it was armed, {fired} times the {what} were told");
        assert!(told == sum, "the {what} are those of the calls: {told}");
    }
    let strange = STRANGE.load(Ordering::Relaxed);
    assert!(strange == 0, "{strange} stacks do not begin with the function and its caller");

    // Armed and disarmed while everybody is in it.
    let is_over = Arc::new(AtomicBool::new(false));
    let started = Arc::new(AtomicUsize::new(0));
    team(cx, CALLERS + 1, move |cx, number| {
        if number < CALLERS {
            cx.thread().set_affinity(CpuSet(1 << (number % cpu::count())));
            started.fetch_add(1, Ordering::AcqRel);
            let mut value = 0;
            while !is_over.load(Ordering::Acquire) {
                call(value, number);
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
