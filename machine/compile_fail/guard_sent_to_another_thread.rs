// E0277: a held lock is given back by the thread that took it.
#![no_std]
use machine::sync::MutexGuard;

fn wants_send<T: Send>(_value: T) {}

pub fn sends(guard: MutexGuard<'_, u32>) {
    wants_send(guard);
}
