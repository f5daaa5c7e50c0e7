//! Device interrupts. Handlers acknowledge, record and wake; work happens in a thread.
use crate::thread::IrqContext;
use alloc::sync::Arc;

/// An interrupt line as the platform numbers it (GSI on x86-64, INTID on ARM64), found by discovery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IrqLine {
    /// Global number.
    pub number: u32,
    /// Level- or edge-triggered.
    pub is_level: bool,
}

/// A device's interrupt handler.
pub trait Handler: Send + Sync {
    /// Called with interrupts off on the CPU that took the interrupt.
    fn handle(&self, cx: &IrqContext);
}

/// Why a line could not be connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConnectError {
    /// The interrupt controller has no such line.
    NoSuchLine,
    /// Out of memory.
    OutOfMemory,
}

/// Connects `handler` to `line` and unmasks it. Several handlers may share a line.
pub fn connect(_line: IrqLine, _handler: Arc<dyn Handler>) -> Result<(), ConnectError> {
    todo!()
}

/// Messages between CPUs.
#[allow(dead_code)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ipi {
    /// Look at your run queue.
    Reschedule,
    /// Forget translations.
    Shootdown,
    /// Stop for good: the kernel has failed.
    Halt,
}

/// A device interrupt came in on line `number`. Called by the architecture with interrupts off; it acknowledges the
/// controller after the return.
#[allow(dead_code)]
pub(crate) fn dispatch(_number: u32) {
    todo!()
}
