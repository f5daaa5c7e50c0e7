// E0502: user mode cannot be entered under a spin lock.
#![no_std]
use machine::sync::SpinLock;
use machine::thread::CurrentThread;
use machine::user::{UserContext, run_user};

pub fn enters(cx: &mut CurrentThread, lock: &SpinLock<UserContext>) {
    let mut guard = lock.lock(cx);
    let _ = run_user(cx, &mut guard);
}
