// E0277: there is one token per thread, so it cannot be cloned.
#![no_std]
use machine::thread::CurrentThread;

fn wants_clone<T: Clone>(_value: &T) {}

pub fn clones(cx: &CurrentThread) {
    wants_clone(cx);
}
