// E0308: an interrupt handler cannot take a lock that is for threads only.
#![no_std]
use machine::irq::Handler;
use machine::sync::SpinLock;
use machine::thread::IrqContext;

pub struct Device(SpinLock<u32>);

impl Handler for Device {
    fn handle(&self, cx: &IrqContext) {
        *self.0.lock(cx) += 1;
    }
}
