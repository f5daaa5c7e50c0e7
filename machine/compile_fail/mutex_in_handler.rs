// E0308: an interrupt handler cannot take a lock that sleeps.
#![no_std]
use machine::irq::Handler;
use machine::sync::Mutex;
use machine::thread::IrqContext;

pub struct Device(Mutex<u32>);

impl Handler for Device {
    fn handle(&self, cx: &IrqContext) {
        *self.0.lock(cx) += 1;
    }
}
