// compiles: the control: what the rules allow. If this fails, the others fail for the wrong reason.
#![no_std]
use machine::sync::{IrqSafe, Mutex, SpinLock, Wait, WaitQueue};
use machine::thread::{CurrentThread, IrqContext};

pub struct Things {
    spin: SpinLock<u32>,
    shared: SpinLock<u32, IrqSafe>,
    mutex: Mutex<u32>,
    queue: WaitQueue,
}

pub fn uses(cx: &mut CurrentThread, things: &Things) {
    let mut held = things.mutex.lock(cx);
    {
        let mut guard = things.spin.lock(cx);
        *guard += *things.shared.lock(cx);
        *held += *guard;
    }
    cx.yield_now();
    let _ = things.queue.wait(cx, Wait::interruptible("example"), |cx| (*things.spin.lock(cx) > 0).then_some(()));
}

pub fn handles(cx: &IrqContext, things: &Things) {
    *things.shared.lock(cx) += 1;
    things.queue.wake_all();
}
