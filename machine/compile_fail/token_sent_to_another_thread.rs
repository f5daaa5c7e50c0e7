// E0277: the token belongs to its thread and cannot be sent to another one.
#![no_std]
extern crate alloc;
use alloc::{boxed::Box, sync::Arc};
use machine::thread::{CurrentThread, spawn};

pub fn sends(mine: &'static mut CurrentThread) {
    let _ = spawn("thief", Arc::new(()), Box::new(move |_cx| mine.yield_now()));
}
