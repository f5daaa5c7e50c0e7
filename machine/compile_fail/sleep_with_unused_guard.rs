// E0502: not even if the guard is not used again: it has a `Drop`, so its borrow lasts to the end of its scope.
#![no_std]
use machine::sync::SpinLock;
use machine::thread::CurrentThread;

pub fn sleeps(cx: &mut CurrentThread, lock: &SpinLock<u32>) {
    let _guard = lock.lock(cx);
    cx.yield_now();
}
