// E0597: a spin guard cannot leave the section in which its token is borrowed.
#![no_std]
use machine::sync::{SpinGuard, SpinLock};
use machine::thread::CurrentThread;

pub fn keeps<'a>(cx: CurrentThread, lock: &'a SpinLock<u32>) {
    let guard: SpinGuard<'_, u32>;
    {
        let token = cx;
        guard = lock.lock(&token);
    }
    drop(guard);
}
