//! The kernel image: which platforms, modules and probes go in. A list a person can read.
#![no_std]
#![no_main]

use machine::power::Exit;
use machine::thread::CurrentThread;

/// The one entry from `machine`. The only `unsafe` attribute outside `machine`: a symbol name must be fixed for the linker.
#[unsafe(no_mangle)]
fn ochre_main(cx: &mut CurrentThread) -> Exit {
    kernel::start(cx, start_devices)
}

/// The drivers.
fn start_devices(cx: &mut CurrentThread) {
    modules::virtio::start(cx);
}
