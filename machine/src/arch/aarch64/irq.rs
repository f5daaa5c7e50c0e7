//! Interrupt controllers: local APIC and I/O APIC.
use crate::cpu::CpuId;
use crate::irq::{Ipi, IrqLine};

/// Finds and resets the controllers.
pub(crate) fn init_boot_cpu() {
    todo!()
}
/// Turns on this CPU's part.
pub(crate) fn init_this_cpu() {
    todo!()
}
/// Routes `line` to the boot CPU and unmasks it. False: there is no such line.
pub(crate) fn enable(_line: IrqLine) -> bool {
    todo!()
}
/// Masks a line.
pub(crate) fn mask(_number: u32) {
    todo!()
}
/// Unmasks a line.
pub(crate) fn unmask(_number: u32) {
    todo!()
}
/// Sends a message to another CPU.
pub(crate) fn send_ipi(_to: CpuId, _what: Ipi) {
    todo!()
}
