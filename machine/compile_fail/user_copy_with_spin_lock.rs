// E0502: a user copy may fault and sleep, so it cannot happen under a spin lock.
#![no_std]
use machine::addr::UserAddr;
use machine::mm::user_copy;
use machine::sync::{IrqSafe, SpinLock};
use machine::thread::CurrentThread;

pub fn copies(cx: &mut CurrentThread, lock: &SpinLock<[u8; 8], IrqSafe>, from: UserAddr) {
    let mut guard = lock.lock(cx);
    let _ = user_copy::read(cx, from, &mut *guard);
}
