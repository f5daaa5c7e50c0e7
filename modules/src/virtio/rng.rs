//! The virtio entropy source (specification 1.2, section 5.4): feeds the kernel's generator once at start.
use super::transport::{Transport, VirtioError};
use alloc::sync::Arc;
use machine::irq::Handler;
use machine::mm::DmaBuffer;
use machine::sync::{Wait, WaitQueue};
use machine::thread::{CurrentThread, IrqContext};
use machine::time;

/// Bytes asked for: a whole seed of the generator, and some.
const SEED_BYTES: usize = 64;
/// How long the host may take.
const WAIT_NS: u64 = 500_000_000;

struct Interrupt {
    transport: Arc<Transport>,
    arrived: Arc<WaitQueue>,
}

impl Handler for Interrupt {
    fn handle(&self, _cx: &IrqContext) {
        if self.transport.acknowledge() != 0 {
            self.arrived.wake_all();
        }
    }
}

/// Takes a seed from the device and mixes it in.
pub(super) fn start(cx: &mut CurrentThread, transport: Transport) -> Result<(), VirtioError> {
    transport.negotiate(0)?;
    let transport = Arc::new(transport);
    let arrived = Arc::new(WaitQueue::new());
    let mut queue = transport.queue(0, 1)?;
    let buffer = DmaBuffer::allocate(SEED_BYTES)?;
    transport.connect(Arc::new(Interrupt { transport: transport.clone(), arrived: arrived.clone() }))?;
    transport.set_running();
    queue.push(&buffer, 0, SEED_BYTES, true);
    transport.notify(queue.index());
    let how = Wait::uninterruptible("entropy from the host").until(Some(time::now().after(WAIT_NS)));
    let result = arrived.wait(cx, how, |_| queue.pop().transpose());
    // A reset device forgets its queue, so the memory can be given back.
    transport.reset();
    let finished = result.map_err(|_| VirtioError::NoDevice)??;
    let mut seed = [0; SEED_BYTES];
    let bytes = finished.bytes as usize;
    buffer.read(0, &mut seed[..bytes]);
    machine::random::add_entropy(&seed[..bytes]);
    Ok(())
}
