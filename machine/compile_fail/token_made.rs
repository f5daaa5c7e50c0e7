// E0451: nobody outside `machine` makes a token.
#![no_std]
extern crate alloc;
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use machine::thread::{CurrentThread, Thread};

pub fn makes(thread: Arc<Thread>) -> CurrentThread {
    CurrentThread { thread: ManuallyDrop::new(thread), _not_send: PhantomData }
}
