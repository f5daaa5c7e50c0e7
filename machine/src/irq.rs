//! Device interrupts. Handlers acknowledge, record and wake; work happens in a thread.
use crate::arch;
use crate::cpu::CpuId;
use crate::thread::{IrqContext, header};
use crate::trace::{self, Counter};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

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

/// Lines that can have handlers; both architectures' controllers stay below.
const MAX_LINES: usize = 1024;

/// A connected handler, in its line's list. Handlers are never disconnected, so readers need no lock.
struct Node {
    handler: Arc<dyn Handler>,
    next: *const Node,
}

/// The handlers of each line, last connected first.
static LINES: [AtomicPtr<Node>; MAX_LINES] = [const { AtomicPtr::new(ptr::null_mut()) }; MAX_LINES];

/// Connects `handler` to `line` and unmasks it. Several handlers may share a line.
pub fn connect(line: IrqLine, handler: Arc<dyn Handler>) -> Result<(), ConnectError> {
    add(line.number, handler)?;
    if arch::irq::enable(line) { Ok(()) } else { Err(ConnectError::NoSuchLine) }
}

/// What a device writes, and where, to interrupt (MSI, MSI-X).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Physical address to write to.
    pub addr: u64,
    /// What to write.
    pub data: u32,
}

/// Connects `handler` to a message of its own.
pub fn connect_message(handler: Arc<dyn Handler>) -> Result<Message, ConnectError> {
    let (number, message) = arch::irq::allocate_message().ok_or(ConnectError::NoSuchLine)?;
    add(number, handler)?;
    Ok(message)
}

/// Puts a handler at the head of a line's list.
fn add(number: u32, handler: Arc<dyn Handler>) -> Result<(), ConnectError> {
    let list = LINES.get(number as usize).ok_or(ConnectError::NoSuchLine)?;
    let mut node = Box::new(Node { handler, next: list.load(Ordering::Acquire) });
    loop {
        let next = node.next.cast_mut();
        let new = Box::into_raw(node);
        let Err(found) = list.compare_exchange(next, new, Ordering::AcqRel, Ordering::Acquire) else { break };
        // SAFETY: the exchange failed, so nobody else has seen the node.
        node = unsafe { Box::from_raw(new) };
        node.next = found;
    }
    Ok(())
}

/// Messages between CPUs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ipi {
    /// Look at your run queue.
    Reschedule,
    /// Forget translations.
    Shootdown,
    /// Stand still while code changes.
    Hold,
    /// Stop for good: the kernel has failed.
    Halt,
}

/// Sends a message to another CPU.
pub(crate) fn send(to: CpuId, what: Ipi) {
    trace::count(Counter::IpisSent);
    arch::irq::send_ipi(to, what);
}

/// A device interrupt came in on line `number`. Called by the architecture with interrupts off; it acknowledges the
/// controller after the return.
pub(crate) fn dispatch(number: u32) {
    trace::count(Counter::Interrupts);
    trace::count(Counter::InterruptsDevice);
    crate::probe!(crate::trace::providers::irq::entry(number));
    let list = LINES.get(number as usize).map_or(ptr::null(), |list| list.load(Ordering::Acquire).cast_const());
    let handlers = header::in_handler(|cx| {
        let (mut node, mut handlers) = (list, 0);
        // SAFETY: nodes are complete before they are published, and live for ever.
        while let Some(Node { handler, next }) = unsafe { node.as_ref() } {
            handler.handle(cx);
            (node, handlers) = (*next, handlers + 1);
        }
        handlers
    });
    if handlers == 0 {
        trace::count(Counter::InterruptsSpurious);
        crate::probe!(crate::trace::providers::irq::spurious(number));
    }
    crate::probe!(crate::trace::providers::irq::exit(number, handlers));
}
