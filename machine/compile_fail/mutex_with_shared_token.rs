// E0308: a sleeping lock wants the token for itself: whoever only has `&CurrentThread` may be under a spin lock.
#![no_std]
use machine::sync::Mutex;
use machine::thread::CurrentThread;

pub fn locks(cx: &CurrentThread, lock: &Mutex<u32>) {
    *lock.lock(cx) += 1;
}
