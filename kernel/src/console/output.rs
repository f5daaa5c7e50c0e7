//! What goes to the host: output of programs, reports of the kernel, the end of the run.
//!
//! Without a channel (no console device), programs' output goes to the UART so that one can see it, and the rest is logged.
use super::channel::channel;
use alloc::format;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use machine::log;
use machine::sync::{Wait, WaitError};
use machine::thread::CurrentThread;
use machine::trace::{Counter, add};
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

/// Writes bytes of a program. Answers how many were taken: all, unless a signal came, and then at least one.
pub fn write_output(cx: &mut CurrentThread, stream: Stream, bytes: &[u8]) -> Result<usize, WaitError> {
    let taken = match channel() {
        Some(channel) => {
            channel.send(cx, Kind::Output, stream.number(), bytes, Wait::interruptible("room for output"))?
        }
        None => {
            log::early_write(bytes);
            bytes.len()
        }
    };
    add(Counter::ConsoleBytesOut, taken as u64);
    Ok(taken)
}

/// Sends text of the kernel in frames of `kind`.
fn send_text(cx: &mut CurrentThread, kind: Kind, text: &[u8]) {
    let mut rest = text;
    while let Some(channel) = channel()
        && !rest.is_empty()
    {
        // Uninterruptible and without a deadline, so this cannot fail.
        let Ok(taken) = channel.send(cx, kind, 0, rest, Wait::uninterruptible("room for a report")) else { return };
        rest = &rest[taken..];
    }
}

/// Sends a line to the user, shown when the run is over.
pub fn report(cx: &mut CurrentThread, text: fmt::Arguments<'_>) {
    if channel().is_some() {
        send_text(cx, Kind::Report, format!("{text}\n").as_bytes());
    } else {
        machine::log!(Warn, "{text}");
    }
}

/// Sends a line of `--strace`, without its newline, shown at once.
pub fn strace_line(cx: &mut CurrentThread, line: &str) {
    if channel().is_some() {
        send_text(cx, Kind::Strace, format!("{line}\n").as_bytes());
    } else {
        machine::log!(Info, "{line}");
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
pub(crate) fn submit(cx: &CurrentThread) {
    if let Some(channel) = channel() {
        channel.submit(cx);
    }
}
