//! The virtio console device (specification 1.2, section 5.3): brings it up and opens the port of the control channel.
//!
//! With the multiport feature the device first tells over control queues which ports there are; we open the highest of ports 0
//! and 1. Port 0 of QEMU is always a `virtconsole`, which drops output that the host does not take at once; port 1 is a
//! `virtserialport`, which holds it back. Without the feature there is only port 0.
//!
//! A second device can carry the observation channel: it is known by the name of its port, for which we wait only if the kernel's
//! command line says that there is one.
use super::port::{Interrupt, Port, receive_control, receive_wishes};
use super::queue::Queue;
use super::transport::{Transport, VirtioError};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use kernel::observe::Carrier;
use machine::mm::DmaBuffer;
use machine::sync::{Wait, WaitQueue};
use machine::thread::{self, CurrentThread};
use machine::time;

/// Feature: more than one port, told of over control queues.
const FEATURE_MULTIPORT: u64 = 1 << 1;
/// How long the device may take to tell of its ports.
const OPEN_NS: u64 = 2_000_000_000;

/// Events on the control queues.
mod event {
    pub(super) const PORT_NAME: u16 = 7;
    pub(super) const DEVICE_READY: u16 = 0;
    pub(super) const PORT_ADD: u16 = 1;
    pub(super) const PORT_READY: u16 = 3;
    pub(super) const PORT_OPEN: u16 = 6;
}
/// A control message: port, event, value; a name may follow.
const CONTROL_BYTES: usize = 8;
/// Room for a control message with a name.
const CONTROL_BUFFER_BYTES: usize = 256;
const CONTROL_BUFFERS: u16 = 8;

/// What a device tells of a port.
struct Event {
    port: u32,
    number: u16,
    /// Whether the name that came with it is the observation channel's.
    is_observer: bool,
}

/// The two control queues and their buffers.
struct Control {
    receive: Queue,
    send: Queue,
    incoming: DmaBuffer,
    outgoing: DmaBuffer,
}

impl Control {
    fn new(transport: &Transport) -> Result<Control, VirtioError> {
        Ok(Control {
            receive: transport.queue(2, CONTROL_BUFFERS)?,
            send: transport.queue(3, CONTROL_BUFFERS)?,
            incoming: DmaBuffer::allocate(usize::from(CONTROL_BUFFERS) * CONTROL_BUFFER_BYTES)?,
            outgoing: DmaBuffer::allocate(CONTROL_BYTES)?,
        })
    }

    /// Offers receive buffer `i`. A new ring hands its descriptors out in order and takes each back before it gives the
    /// next, so the request's head is the buffer's number.
    fn offer(&mut self, i: u16) {
        let at = usize::from(i) * CONTROL_BUFFER_BYTES;
        self.receive.push(&self.incoming, at, CONTROL_BUFFER_BYTES, true);
    }

    /// Sends an event and waits until the device has read it.
    fn send(
        &mut self,
        cx: &mut CurrentThread,
        transport: &Transport,
        progress: &WaitQueue,
        port: u32,
        event: u16,
    ) -> Result<(), VirtioError> {
        let mut message = [0; CONTROL_BYTES];
        message[..4].copy_from_slice(&port.to_le_bytes());
        message[4..6].copy_from_slice(&event.to_le_bytes());
        message[6..].copy_from_slice(&1u16.to_le_bytes());
        self.outgoing.write(0, &message);
        self.send.push(&self.outgoing, 0, CONTROL_BYTES, false);
        transport.notify(self.send.index());
        let how = Wait::uninterruptible("console control").until(Some(time::now().after(OPEN_NS)));
        let finished = progress.wait(cx, how, |_| self.send.pop().transpose());
        finished.map_err(|_| VirtioError::NoDevice)?.map(drop).map_err(VirtioError::from)
    }

    /// Receives an event: port and number. `None`: nothing came in time.
    fn receive(
        &mut self,
        cx: &mut CurrentThread,
        transport: &Transport,
        progress: &WaitQueue,
        wait_ns: u64,
    ) -> Result<Option<Event>, VirtioError> {
        let how = Wait::uninterruptible("console control").until(Some(time::now().after(wait_ns)));
        let Ok(finished) = progress.wait(cx, how, |_| self.receive.pop().transpose()) else { return Ok(None) };
        let finished = finished?;
        let (head, bytes) = (finished.head, (finished.bytes as usize).min(CONTROL_BUFFER_BYTES));
        let mut message = [0; CONTROL_BUFFER_BYTES];
        self.incoming.read(usize::from(head) * CONTROL_BUFFER_BYTES, &mut message);
        self.offer(head);
        transport.notify(self.receive.index());
        let [a, b, c, d, e, f, ..] = message;
        let name = message.get(CONTROL_BYTES..bytes).unwrap_or_default();
        let name = name.strip_suffix(&[0]).unwrap_or(name);
        Ok(Some(Event {
            port: u32::from_le_bytes([a, b, c, d]),
            number: u16::from_le_bytes([e, f]),
            is_observer: name == wire::observe::PORT_NAME.as_bytes(),
        }))
    }
}

/// Brings the device up and makes it the control channel, or the observation channel if that is its name.
pub(super) fn start(cx: &mut CurrentThread, transport: Transport) -> Result<(), VirtioError> {
    let transport = Arc::new(transport);
    let is_multiport = transport.negotiate(FEATURE_MULTIPORT)? & FEATURE_MULTIPORT != 0;
    let queues = |port: u16| -> Result<Arc<Port>, VirtioError> {
        let first = if port == 0 { 0 } else { 2 + 2 * port };
        let receive = transport.queue(first, Port::IN_QUEUE)?;
        let send = transport.queue(first + 1, Port::OUT_QUEUE)?;
        Port::new(transport.clone(), receive, send)
    };
    let progress = Arc::new(WaitQueue::new());
    // Queues must exist before the device runs, so the port is chosen before the device tells of its ports.
    let (control, number, port) = match is_multiport.then(|| queues(1)) {
        Some(Ok(port)) => (Some(Control::new(&transport)?), 1, port),
        Some(Err(VirtioError::NoQueue(_))) => (Some(Control::new(&transport)?), 0, queues(0)?),
        Some(Err(error)) => return Err(error),
        None => (None, 0, queues(0)?),
    };
    let handler = Interrupt { transport: transport.clone(), port: port.clone(), control: progress.clone() };
    transport.connect(Arc::new(handler))?;
    transport.set_running();
    let mut is_observer = false;
    if let Some(mut control) = control {
        is_observer = open(cx, &transport, &mut control, &progress, number)?;
        // The device may go on writing into the control queues' memory for as long as it runs: the queues are never stopped,
        // so their memory is never given back.
        keep_for_ever(control);
    }
    if !is_observer && !port.open(cx) {
        return Err(VirtioError::OutOfMemory);
    }
    port.begin(cx, !is_observer)?;
    let receiver = port.clone();
    let (name, receive): (&str, fn(&Port, &mut CurrentThread)) =
        if is_observer { ("observe/in", receive_wishes) } else { ("console", receive_control) };
    thread::spawn(name, Arc::new(()), Box::new(move |cx| receive(&receiver, cx)))
        .map_err(|_| VirtioError::OutOfMemory)?;
    if is_observer {
        kernel::observe::register(cx, port);
    } else {
        kernel::console::register(cx, port);
    }
    Ok(())
}

/// Waits until the device tells of port `number` and opens it; answers whether it is the observation channel's.
fn open(
    cx: &mut CurrentThread,
    transport: &Transport,
    control: &mut Control,
    progress: &WaitQueue,
    number: u32,
) -> Result<bool, VirtioError> {
    for i in 0..CONTROL_BUFFERS {
        control.offer(i);
    }
    transport.notify(control.receive.index());
    control.send(cx, transport, progress, 0, event::DEVICE_READY)?;
    let mut is_added = false;
    loop {
        match control.receive(cx, transport, progress, OPEN_NS)? {
            Some(Event { port, number: event::PORT_ADD, .. }) => {
                control.send(cx, transport, progress, port, event::PORT_READY)?;
                is_added |= port == number;
                if is_added && !kernel::observe::is_expected() {
                    control.send(cx, transport, progress, number, event::PORT_OPEN)?;
                    return Ok(false);
                }
            }
            Some(Event { port, number: event::PORT_NAME, is_observer }) if port == number => {
                control.send(cx, transport, progress, port, event::PORT_OPEN)?;
                return Ok(is_observer);
            }
            Some(_) => {}
            // A port without a name is the control channel's.
            None if is_added => {
                control.send(cx, transport, progress, number, event::PORT_OPEN)?;
                return Ok(false);
            }
            None => return Err(VirtioError::NoDevice),
        }
    }
}

/// Keeps what the device may write to.
fn keep_for_ever(control: Control) {
    use machine::sync::{IrqSafe, SpinLock};
    static KEPT: SpinLock<Vec<Control>, IrqSafe> = SpinLock::new(&kernel::lock_order::DEVICE_QUEUE, Vec::new());
    KEPT.with(|kept| kept.push(control));
}
