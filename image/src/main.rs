//! The kernel image: which platforms, modules and probes go in. A list a person can read.
#![no_std]
#![no_main]

use machine::power::Exit;
use machine::thread::CurrentThread;

/// The one entry from `machine`. The only `unsafe` attribute outside `machine`: a symbol name must be fixed for the linker.
#[unsafe(no_mangle)]
fn ochre_main(_cx: &mut CurrentThread) -> Exit {
    Exit::Off
}
