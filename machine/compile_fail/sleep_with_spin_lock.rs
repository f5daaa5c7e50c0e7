// E0502: a thread cannot sleep while it holds a spin lock: the guard borrows the token.
#![no_std]
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

pub fn sleeps(cx: &mut CurrentThread, lock: &SpinLock<u32>) {
    let mut guard = lock.lock(cx);
    cx.yield_now();
    *guard += 1;
}
