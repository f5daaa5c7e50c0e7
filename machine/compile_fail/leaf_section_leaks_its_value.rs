// lifetime: what a lock protects cannot leave a leaf section.
#![no_std]
use machine::sync::SpinLock;

pub fn leaks(lock: &SpinLock<u32>) -> &mut u32 {
    lock.with(|value| value)
}
