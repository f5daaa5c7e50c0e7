//! What goes to the host: output of programs, reports of the kernel, the end of the run.
//!
//! Without a channel (no console device), programs' output goes to the UART so that one can see it, and the rest is logged.
use super::channel::channel;
use alloc::format;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::log;
use machine::sync::{Wait, WaitError, WaitQueue};
use machine::thread::CurrentThread;
use machine::trace::{Counter, add, count};
use wire::control::{Kind, Message, STREAM_STDERR, STREAM_STDOUT, STREAM_TERMINAL};

/// Where output goes on the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// The terminal.
    Terminal,
    /// Standard output that is not a terminal.
    Output,
    /// Standard error that is not a terminal.
    Error,
}

impl Stream {
    const fn number(self) -> u8 {
        match self {
            Stream::Terminal => STREAM_TERMINAL,
            Stream::Output => STREAM_STDOUT,
            Stream::Error => STREAM_STDERR,
        }
    }
}

/// Bit n: nobody reads stream n any more.
static CLOSED: AtomicU32 = AtomicU32::new(0);

/// Whether the host has told that nobody reads this stream: writes are to fail with EPIPE.
pub fn is_closed(stream: Stream) -> bool {
    CLOSED.load(Ordering::Relaxed) & (1 << stream.number()) != 0
}

/// Notes that nobody reads a stream any more.
pub(super) fn close(stream: u32) {
    if let Some(bit) = 1u32.checked_shl(stream) {
        CLOSED.fetch_or(bit, Ordering::Relaxed);
    }
    if let Some(channel) = channel() {
        channel.room().wake_all();
    }
}

/// Whether [`write_output`] of [`ROOM_BYTES`](super::ROOM_BYTES) would not sleep.
pub fn has_room(cx: &CurrentThread) -> bool {
    channel().is_none_or(|channel| channel.has_room(cx))
}

/// Woken when there is room again.
pub fn room() -> Option<&'static WaitQueue> {
    channel().map(|channel| channel.room())
}

/// Sleeps until [`has_room`] or a signal comes. To be done before bytes are taken from a program, because what has been
/// taken must be written.
pub fn wait_for_room(cx: &mut CurrentThread) -> Result<(), WaitError> {
    match channel() {
        Some(channel) if !channel.has_room(cx) => {
            count(Counter::ConsoleWaits);
            let how = Wait::interruptible("room for output");
            channel.room().wait(cx, how, |cx| channel.has_room(cx).then_some(()))
        }
        _ => Ok(()),
    }
}

/// Writes bytes of a program, all of them.
pub fn write_output(cx: &mut CurrentThread, stream: Stream, bytes: &[u8]) {
    match channel() {
        Some(channel) => channel.send(cx, Kind::Output, stream.number(), bytes),
        None => log::early_write(bytes),
    }
    add(Counter::ConsoleBytesOut, bytes.len() as u64);
}

/// Sends a line to the user, shown when the run is over.
pub fn report(cx: &mut CurrentThread, text: fmt::Arguments<'_>) {
    match channel() {
        Some(channel) => channel.send(cx, Kind::Report, 0, format!("{text}\n").as_bytes()),
        None => machine::log!(Warn, "{text}"),
    }
}

/// Sends a piece of an event of `wire::strace`.
pub fn strace(cx: &mut CurrentThread, bytes: &[u8]) {
    if let Some(channel) = channel() {
        channel.send(cx, Kind::Strace, 0, bytes);
    }
}

/// Tells the host the program's wait status, after every byte of output, and waits until it knows.
pub fn exit(cx: &mut CurrentThread, wait_status: i32) {
    end(cx, Message::Exit(wait_status));
}

/// Tells the host that the program could not be started, with a positive error number.
pub fn start_failed(cx: &mut CurrentThread, errno: i32) {
    end(cx, Message::StartFailed(errno));
}

fn end(cx: &mut CurrentThread, message: Message) {
    match channel() {
        Some(channel) => {
            channel.send_message(cx, message);
            channel.flush(cx);
        }
        None => machine::log!(Info, "{message:?}"),
    }
}

/// Lets the host send so many more bytes of input.
pub fn send_credit(cx: &mut CurrentThread, bytes: u32) {
    if let Some(channel) = channel()
        && bytes != 0
    {
        channel.send_message(cx, Message::InputCredit(bytes));
        channel.submit(cx);
    }
}

/// Hands out what is batched, before a program waits for an answer to it.
pub fn submit(cx: &CurrentThread) {
    if let Some(channel) = channel() {
        channel.submit(cx);
    }
}
