//! One port of a virtio console: a byte stream each way, sent in large batches.
//!
//! Sending: bytes gather as frames in a buffer; consecutive pieces of one output stream become one frame. A buffer goes to the
//! device when it is full, when somebody asks ([`Port::submit`]), or [`BATCH_NS`] after the last one went: the first small
//! write after a pause leaves at once, a storm of small writes leaves as a few large buffers. Writers sleep while every
//! buffer is with the device; only then is the device asked to interrupt for sending. Memory for sending is taken by [`Carrier::open`], which
//! the observation channel calls when somebody begins to listen, and the control channel at once.
//!
//! Receiving: the interrupt wakes a thread that copies out, decodes and hands to [`kernel::console`] ([`receive_control`]) or to
//! [`kernel::observe`] ([`receive_wishes`]): a port carries either the one channel or the other.
//!
//! Locks: `CONSOLE_PORT_OUT` and `CONSOLE_PORT_IN`, spin, interrupt-safe, never together. What the device writes is copied out
//! before it is looked at. A device that breaks the ring's rules loses the port: writers' bytes are then dropped, for there is
//! nobody to tell.
use super::queue::Queue;
use super::transport::{Transport, VirtioError};
use alloc::sync::Arc;
use alloc::vec::Vec;
use kernel::console::{self, Channel, ROOM_BYTES};
use kernel::lock_order;
use kernel::observe::{self, Carrier};
use machine::irq::Handler;
use machine::mm::DmaBuffer;
use machine::sync::{IrqSafe, Once, SpinLock, Wait, WaitQueue};
use machine::thread::{Context, CurrentThread, IrqContext};
use machine::time::{self, Expire, Instant, Timer};
use machine::trace::{Counter, count};
use pure::split_ring::RingError;
use wire::control::{Decoder, FrameError, HEADER_BYTES, Kind, Message, encode_header};

/// Bytes of a buffer for sending. Frames stay below `wire::control::MAX_PAYLOAD` because buffers do.
const OUT_BYTES: usize = 32 * 1024;
/// Buffers for sending.
const OUT_BUFFERS: usize = 8;
/// Bytes of a buffer for receiving.
const IN_BYTES: usize = 4096;
/// Buffers for receiving.
const IN_BUFFERS: usize = 16;
/// The same where little is received.
const FEW_IN_BUFFERS: usize = 2;
/// How long small writes may wait for company.
const BATCH_NS: u64 = 1_000_000;

/// The frame at the end of the buffer being filled, to which more bytes may be added.
struct OpenFrame {
    kind: Kind,
    stream: u8,
    /// Where its header stands.
    at: usize,
    payload: usize,
}

/// The buffer being filled.
struct Filling {
    buffer: usize,
    used: usize,
    frame: Option<OpenFrame>,
}

struct Out {
    queue: Queue,
    /// Empty while nothing is to be sent.
    buffers: Vec<DmaBuffer>,
    free: Vec<usize>,
    /// Which buffer the request with this head carries.
    in_flight: Vec<Option<usize>>,
    in_flight_count: usize,
    filling: Option<Filling>,
    last_submit: Instant,
    is_timer_armed: bool,
    is_lost: bool,
}

struct In {
    queue: Queue,
    buffers: Vec<DmaBuffer>,
    in_flight: Vec<Option<usize>>,
}

/// A port in use.
pub(super) struct Port {
    transport: Arc<Transport>,
    out: SpinLock<Out, IrqSafe>,
    input: SpinLock<In, IrqSafe>,
    room: WaitQueue,
    arrived: WaitQueue,
    batch_timer: Once<Timer>,
}

/// `count` buffers of `bytes` each.
fn buffers(count: usize, bytes: usize) -> Result<Vec<DmaBuffer>, VirtioError> {
    (0..count).map(|_| DmaBuffer::allocate(bytes).map_err(VirtioError::from)).collect()
}

impl Port {
    /// Queue sizes that fit the buffers.
    pub(super) const OUT_QUEUE: u16 = OUT_BUFFERS as u16;
    pub(super) const IN_QUEUE: u16 = IN_BUFFERS as u16;

    pub(super) fn new(transport: Arc<Transport>, receive: Queue, send: Queue) -> Result<Arc<Port>, VirtioError> {
        let out = Out {
            buffers: Vec::new(),
            free: Vec::with_capacity(OUT_BUFFERS),
            in_flight: alloc::vec![None; OUT_BUFFERS],
            in_flight_count: 0,
            filling: None,
            last_submit: Instant(0),
            is_timer_armed: false,
            is_lost: false,
            queue: send,
        };
        let input = In { buffers: Vec::new(), in_flight: alloc::vec![None; IN_BUFFERS], queue: receive };
        let port = Arc::new(Port {
            transport,
            out: SpinLock::new(&lock_order::CONSOLE_PORT_OUT, out),
            input: SpinLock::new(&lock_order::CONSOLE_PORT_IN, input),
            room: WaitQueue::new(),
            arrived: WaitQueue::new(),
            batch_timer: Once::new(),
        });
        let expire = Arc::new(BatchExpired(Arc::downgrade(&port)));
        port.batch_timer.call_once(|| Timer::new(expire));
        Ok(port)
    }

    /// Begins to receive, much or little; after the device runs.
    pub(super) fn begin(&self, cx: &CurrentThread, is_much: bool) -> Result<(), VirtioError> {
        let made = buffers(if is_much { IN_BUFFERS } else { FEW_IN_BUFFERS }, IN_BYTES)?;
        let must_notify = {
            let mut input = self.input.lock(cx);
            let In { queue, buffers, in_flight } = &mut *input;
            *buffers = made;
            queue.set_interrupts(true);
            for (i, buffer) in buffers.iter().enumerate() {
                offer(queue, in_flight, i, buffer);
            }
            queue.must_notify()
        };
        self.out.lock(cx).queue.set_interrupts(false);
        if must_notify {
            self.transport.notify(self.input.lock(cx).queue.index());
        }
        Ok(())
    }

    /// Takes the interrupt of the device this port belongs to.
    pub(super) fn interrupt(&self, cx: &IrqContext) {
        self.arrived.wake_all();
        let has_room = {
            let mut out = self.out.lock(cx);
            out.reap();
            out.has_room()
        };
        if has_room {
            self.room.wake_all();
        }
    }

    fn append(&self, cx: &impl Context, kind: Kind, stream: u8, bytes: &[u8]) -> usize {
        let (taken, arm) = {
            let mut out = self.out.lock(cx);
            let taken = out.append(&self.transport, kind, stream, bytes);
            (taken, out.after_append(&self.transport))
        };
        if let Some(deadline) = arm
            && let Some(timer) = self.batch_timer.get()
        {
            timer.arm(deadline);
        }
        taken
    }
}

/// Offers a buffer for receiving.
fn offer(queue: &mut Queue, in_flight: &mut [Option<usize>], i: usize, buffer: &DmaBuffer) {
    if let Some(head) = queue.push(buffer, 0, IN_BYTES, true)
        && let Some(place) = in_flight.get_mut(usize::from(head))
    {
        *place = Some(i);
    }
}

impl Out {
    fn lose(&mut self, error: RingError) {
        if !self.is_lost {
            self.is_lost = true;
            count(Counter::VirtioErrors);
            machine::log!(Error, "the console device broke a rule, no more output: {error:?}");
        }
    }

    /// Takes back the buffers the device is done with.
    fn reap(&mut self) {
        loop {
            match self.queue.pop() {
                Ok(None) => return,
                Ok(Some(finished)) => {
                    if let Some(buffer) = self.in_flight.get_mut(usize::from(finished.head)).and_then(Option::take) {
                        self.free.push(buffer);
                        self.in_flight_count -= 1;
                    }
                }
                Err(error) => return self.lose(error),
            }
        }
    }

    fn has_room(&self) -> bool {
        let is_enough = |filling: &Filling| filling.used + HEADER_BYTES + ROOM_BYTES <= OUT_BYTES;
        self.is_lost || !self.free.is_empty() || self.filling.as_ref().is_some_and(is_enough)
    }

    /// Sees to it that the buffer being filled has room for `bytes`, takes a new one if need be. False: there is none.
    fn make_room(&mut self, transport: &Transport, bytes: usize) -> bool {
        if self.filling.as_ref().is_some_and(|filling| filling.used + bytes > OUT_BYTES) {
            self.submit(transport);
        }
        if self.filling.is_none() {
            if self.free.is_empty() {
                self.reap();
            }
            if self.free.is_empty() {
                // Ask to hear of the next one, then look once more: it may have come in between.
                self.queue.set_interrupts(true);
                self.reap();
            }
            self.filling = self.free.pop().map(|buffer| Filling { buffer, used: 0, frame: None });
        }
        self.filling.is_some()
    }

    /// Takes as many of `bytes` as there is room for.
    fn append(&mut self, transport: &Transport, kind: Kind, stream: u8, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            if self.is_lost {
                return bytes.len();
            }
            let is_open = |filling: &Filling| {
                filling.used < OUT_BYTES
                    && kind == Kind::Output
                    && filling.frame.as_ref().is_some_and(|frame| frame.kind == kind && frame.stream == stream)
            };
            let wanted = if self.filling.as_ref().is_some_and(is_open) { 1 } else { HEADER_BYTES + 1 };
            if !self.make_room(transport, wanted) {
                break;
            }
            let Some(filling) = &mut self.filling else { break };
            // `make_room` may have taken a new buffer, in which no frame is open.
            if !is_open(filling) {
                filling.frame = Some(OpenFrame { kind, stream, at: filling.used, payload: 0 });
                filling.used += HEADER_BYTES;
            }
            let Filling { buffer, used, frame: Some(frame) } = filling else { break };
            let piece = &bytes[taken..][..(bytes.len() - taken).min(OUT_BYTES - *used)];
            let memory = &self.buffers[*buffer];
            memory.write(*used, piece);
            *used += piece.len();
            frame.payload += piece.len();
            // CAST: below OUT_BYTES.
            memory.write(frame.at, &encode_header(frame.kind, frame.stream, frame.payload as u32));
            taken += piece.len();
        }
        taken
    }

    /// Appends a message of two parts, together at most [`OUT_BYTES`], which is never cut in two. False: no room now.
    fn append_whole(&mut self, transport: &Transport, header: &[u8], payload: &[u8]) -> bool {
        if self.is_lost {
            return true;
        }
        if !self.make_room(transport, header.len() + payload.len()) {
            return false;
        }
        let Some(filling) = &mut self.filling else { return false };
        let (buffer, at) = (filling.buffer, filling.used);
        filling.used += header.len() + payload.len();
        filling.frame = None;
        self.buffers[buffer].write(at, header);
        self.buffers[buffer].write(at + header.len(), payload);
        true
    }

    /// Sends a full buffer, and one that has waited long enough; answers when to look again.
    fn after_append(&mut self, transport: &Transport) -> Option<Instant> {
        let filling = self.filling.as_ref()?;
        if filling.used == OUT_BYTES {
            self.submit(transport);
            return None;
        }
        let due = self.last_submit.after(BATCH_NS);
        if time::now() >= due {
            self.submit(transport);
            return None;
        }
        (!core::mem::replace(&mut self.is_timer_armed, true)).then_some(due)
    }

    /// Gives the buffer being filled to the device.
    fn submit(&mut self, transport: &Transport) {
        let Some(Filling { buffer, used, .. }) = self.filling.take() else { return };
        let head = self.queue.push(&self.buffers[buffer], 0, used, false);
        // The queue has a descriptor for each buffer.
        let Some(place) = head.and_then(|head| self.in_flight.get_mut(usize::from(head))) else { return };
        *place = Some(buffer);
        self.in_flight_count += 1;
        self.last_submit = time::now();
        count(Counter::ConsoleBatches);
        if self.queue.must_notify() {
            transport.notify(self.queue.index());
        }
    }
}

/// The batch timer's target; weak, for the port owns the timer.
struct BatchExpired(alloc::sync::Weak<Port>);

impl Expire for BatchExpired {
    fn expire(&self, cx: &IrqContext, _deadline: Instant) {
        if let Some(port) = self.0.upgrade() {
            let mut out = port.out.lock(cx);
            out.is_timer_armed = false;
            out.submit(&port.transport);
        }
    }
}

impl Channel for Port {
    fn send(&self, cx: &mut CurrentThread, kind: Kind, stream: u8, bytes: &[u8]) {
        let mut taken = self.append(cx, kind, stream, bytes);
        while taken < bytes.len() {
            count(Counter::ConsoleWaits);
            let how = Wait::uninterruptible("room for frames to the host");
            let more = self.room.wait(cx, how, |cx| {
                let more = self.append(cx, kind, stream, &bytes[taken..]);
                (more != 0).then_some(more)
            });
            // Uninterruptible and without a deadline: the wait cannot end otherwise.
            taken += more.unwrap_or(0);
        }
    }

    fn send_message(&self, cx: &mut CurrentThread, message: Message) {
        let encoded = message.encode();
        let how = Wait::uninterruptible("room for a message to the host");
        let append = |cx: &mut CurrentThread| {
            self.out.lock(cx).append_whole(&self.transport, encoded.as_bytes(), &[]).then_some(())
        };
        // Uninterruptible and without a deadline: this cannot end otherwise.
        let _ = self.room.wait(cx, how, append);
    }

    fn has_room(&self, cx: &CurrentThread) -> bool {
        let mut out = self.out.lock(cx);
        out.reap();
        if !out.has_room() {
            out.queue.set_interrupts(true);
            out.reap();
        }
        out.has_room()
    }

    fn room(&self) -> &WaitQueue {
        &self.room
    }

    fn submit(&self, cx: &CurrentThread) {
        self.out.lock(cx).submit(&self.transport);
    }

    fn flush(&self, cx: &mut CurrentThread) {
        let is_done = |cx: &mut CurrentThread| {
            let mut out = self.out.lock(cx);
            out.submit(&self.transport);
            out.queue.set_interrupts(true);
            out.reap();
            (out.in_flight_count == 0 || out.is_lost).then_some(())
        };
        let _ = self.room.wait(cx, Wait::uninterruptible("the host to take the output"), is_done);
        self.out.lock(cx).queue.set_interrupts(false);
    }
}

impl Carrier for Port {
    fn open(&self, cx: &CurrentThread) -> bool {
        let Ok(made) = buffers(OUT_BUFFERS, OUT_BYTES) else { return false };
        let mut out = self.out.lock(cx);
        // Those that the device had not given back when they were to go are still here, and enough.
        if out.buffers.is_empty() {
            out.buffers = made;
            out.free.extend(0..OUT_BUFFERS);
        }
        true
    }

    fn close(&self, cx: &CurrentThread) {
        let buffers = {
            let mut out = self.out.lock(cx);
            out.submit(&self.transport);
            out.reap();
            if out.in_flight_count != 0 || out.is_lost {
                return;
            }
            out.free.clear();
            core::mem::take(&mut out.buffers)
        };
        drop(buffers);
        // Whoever still waits for room is told that nobody listens.
        self.room.wake_all();
    }

    fn put(&self, cx: &CurrentThread, header: &[u8], payload: &[u8]) -> bool {
        let (is_taken, arm) = {
            let mut out = self.out.lock(cx);
            let is_taken = out.append_whole(&self.transport, header, payload);
            (is_taken, if is_taken { out.after_append(&self.transport) } else { None })
        };
        if let Some(deadline) = arm
            && let Some(timer) = self.batch_timer.get()
        {
            timer.arm(deadline);
        }
        is_taken
    }

    fn has_room(&self) -> &WaitQueue {
        &self.room
    }

    fn hand_over(&self, cx: &CurrentThread) {
        self.out.lock(cx).submit(&self.transport);
    }

    fn drain(&self, cx: &mut CurrentThread, patience_ns: u64) {
        let mut left = usize::MAX;
        // Each turn either sees the host take something or is the last.
        loop {
            let how = Wait::uninterruptible("the host to take what was observed");
            let patience = how.until(Some(time::now().after(patience_ns)));
            let waited = self.room.wait(cx, patience, |cx| {
                let mut out = self.out.lock(cx);
                out.submit(&self.transport);
                out.queue.set_interrupts(true);
                out.reap();
                let in_flight = if out.is_lost { 0 } else { out.in_flight_count };
                (in_flight < left).then_some(in_flight)
            });
            match waited {
                Ok(0) | Err(_) => break,
                Ok(in_flight) => left = in_flight,
            }
        }
        self.out.lock(cx).queue.set_interrupts(false);
    }
}

/// Receives for the control channel until the device breaks a rule or the host sends nonsense.
pub(super) fn receive_control(port: &Port, cx: &mut CurrentThread) {
    let mut decoder = Decoder::new();
    receive(port, cx, |cx, mut bytes| {
        while let Some(received) = decoder.next(&mut bytes)? {
            console::receive(cx, received);
        }
        Ok::<(), FrameError>(())
    });
    console::channel_lost(cx);
}

/// The same for the observation channel.
pub(super) fn receive_wishes(port: &Port, cx: &mut CurrentThread) {
    let mut receiver = observe::Receiver::new();
    receive(port, cx, |cx, bytes| receiver.take(cx, bytes));
    receiver.lost();
}

/// Gives what comes to `take`, until that fails or the device breaks a rule.
fn receive<E: core::fmt::Debug>(
    port: &Port,
    cx: &mut CurrentThread,
    mut take: impl FnMut(&mut CurrentThread, &[u8]) -> Result<(), E>,
) {
    let mut copy = alloc::vec![0; IN_BYTES];
    loop {
        let waited = port.arrived.wait(cx, Wait::interruptible("frames from the host"), |cx| port.take(cx, &mut copy));
        let Ok(taken) = waited else { continue };
        let bytes = match taken {
            Ok(bytes) => &copy[..bytes],
            Err(error) => {
                machine::log!(Error, "the console device broke a rule, no more input: {error:?}");
                return;
            }
        };
        if let Err(error) = take(cx, bytes) {
            machine::log!(Error, "the host's frames make no sense, no more input: {error:?}");
            return;
        }
    }
}

impl Port {
    /// Copies one received buffer out and offers it again.
    fn take(&self, cx: &CurrentThread, copy: &mut [u8]) -> Option<Result<usize, RingError>> {
        let mut input = self.input.lock(cx);
        let In { queue, buffers, in_flight } = &mut *input;
        let finished = match queue.pop() {
            Ok(finished) => finished?,
            Err(error) => {
                count(Counter::VirtioErrors);
                return Some(Err(error));
            }
        };
        // The ring has checked both: the head was in flight, and the length is at most IN_BYTES.
        let i = in_flight.get_mut(usize::from(finished.head)).and_then(Option::take)?;
        let bytes = finished.bytes as usize;
        buffers[i].read(0, &mut copy[..bytes]);
        offer(queue, in_flight, i, &buffers[i]);
        if queue.must_notify() {
            self.transport.notify(queue.index());
        }
        Some(Ok(bytes))
    }
}

/// The interrupt handler of a console device.
pub(super) struct Interrupt {
    pub(super) transport: Arc<Transport>,
    pub(super) port: Arc<Port>,
    /// Woken for the control queues while the port is opened.
    pub(super) control: Arc<WaitQueue>,
}

impl Handler for Interrupt {
    fn handle(&self, cx: &IrqContext) {
        if self.transport.acknowledge() != 0 {
            count(Counter::VirtioInterrupts);
            self.port.interrupt(cx);
            self.control.wake_all();
        }
    }
}
