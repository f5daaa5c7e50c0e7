//! Reads and writes of programs: when they wait, for how long, and what ends the wait (`termios(3)`, POSIX.1-2017 11.1.7).
use super::job_control;
use super::terminal::{State, Terminal};
use crate::errno::{Errno, Result};
use core::sync::atomic::Ordering;
use machine::sync::{Wait, WaitError};
use machine::thread::CurrentThread;
use machine::time;
use pure::line_discipline::{cc, lflag};

/// A tenth of a second, VTIME's unit.
const TENTH_NS: u64 = 100_000_000;
/// Room that the longest replacement of one byte needs.
const LONGEST_REPLACEMENT: usize = 8;

/// What one look at the input gave.
enum Found {
    /// A line, or as much of it as fits; nothing of it is the end of file.
    Line(usize),
    Bytes(usize),
    /// Nothing will come any more.
    End,
}

/// How a raw read waits.
struct Patience {
    least: usize,
    /// Between bytes, or before the first if nothing is required; 0 for no limit.
    pause_ns: u64,
    /// Nothing is required.
    may_be_empty: bool,
}

impl State {
    fn patience(&self) -> Patience {
        let settings = self.discipline.settings();
        let is_raw = !settings.has_local(lflag::ICANON);
        let least = if is_raw { settings.cc[cc::VMIN] } else { 1 };
        let tenths = if is_raw { settings.cc[cc::VTIME] } else { 0 };
        Patience {
            least: usize::from(least.max(1)),
            pause_ns: u64::from(tenths) * TENTH_NS,
            may_be_empty: is_raw && least == 0,
        }
    }

    /// Whether a description opened at `generation` is still good.
    pub(super) fn is_live(&self, generation: u32) -> bool {
        self.generation == generation
    }
}

impl Terminal {
    fn look(&self, cx: &CurrentThread, generation: u32, out: &mut [u8]) -> Option<Result<Found>> {
        let mut state = self.state.lock(cx);
        if !state.is_live(generation) {
            // LINUX: who was reading when the master went hears of an error, who comes later of the end.
            return Some(if state.is_master_closed { Err(Errno::EIO) } else { Ok(Found::End) });
        }
        let reads_lines = state.discipline.settings().reads_lines();
        match state.discipline.read(out) {
            Some(count) if reads_lines => Some(Ok(Found::Line(count))),
            Some(count) => Some(Ok(Found::Bytes(count))),
            None => state.has_ended.then_some(Ok(Found::End)),
        }
    }

    /// Reads into `out` as the settings say: a line, or bytes by VMIN and VTIME. 0 is the end of file.
    pub(super) fn read(
        &self,
        cx: &mut CurrentThread,
        generation: u32,
        out: &mut [u8],
        is_non_blocking: bool,
    ) -> Result<usize> {
        if !self.state.lock(cx).is_live(generation) {
            return Ok(0);
        }
        job_control::check_read(cx, self)?;
        let patience = self.state.lock(cx).patience();
        let after_pause = || Some(time::now().after(patience.pause_ns));
        let mut deadline = if patience.may_be_empty { after_pause() } else { None };
        let (mut count, mut end) = (0, Ok(0));
        while count < out.len() {
            let part = &mut out[count..];
            let found = match self.look(cx, generation, part) {
                Some(found) => found,
                None if patience.may_be_empty && patience.pause_ns == 0 => break,
                None if is_non_blocking => Err(Errno::EAGAIN),
                None => {
                    self.backend.submit(cx);
                    let how = Wait::interruptible("terminal input").until(deadline);
                    match self.readable.wait(cx, how, |cx| self.look(cx, generation, part)) {
                        Err(WaitError::TimedOut) => break,
                        found => found.map_err(Errno::from).and_then(|found| found),
                    }
                }
            };
            match found {
                Ok(Found::Line(bytes)) => {
                    count += bytes;
                    break;
                }
                Ok(Found::Bytes(bytes)) => count += bytes,
                Ok(Found::End) => break,
                Err(error) => {
                    end = Err(error);
                    break;
                }
            }
            if count >= patience.least {
                break;
            }
            if patience.pause_ns != 0 {
                deadline = after_pause();
            }
        }
        self.look_at_pending(cx);
        if count != 0 { Ok(count) } else { end }
    }

    /// Whether a read finds something, as poll sees it.
    pub(super) fn is_poll_readable(&self, cx: &CurrentThread) -> bool {
        let state = self.state.lock(cx);
        state.has_ended || state.discipline.is_poll_readable()
    }

    /// Whether a write finds room, as poll sees it.
    pub(super) fn is_poll_writable(&self, cx: &CurrentThread) -> bool {
        let is_open = {
            let state = self.state.lock(cx);
            !state.discipline.is_stopped() && state.discipline.output_room() >= LONGEST_REPLACEMENT
        };
        is_open && self.backend.has_room(cx)
    }

    /// Takes what there is room for of `bytes`, of which there are some, and waits for the first; answers how many.
    pub(super) fn write(
        &self,
        cx: &mut CurrentThread,
        generation: u32,
        bytes: &[u8],
        is_non_blocking: bool,
    ) -> Result<usize> {
        if is_non_blocking && !self.backend.has_room(cx) {
            return Err(Errno::EAGAIN);
        }
        self.backend.wait_for_room(cx)?;
        let offer = |cx: &mut CurrentThread| {
            let mut state = self.state.lock(cx);
            if !state.is_live(generation) {
                return Some(Err(Errno::EIO));
            }
            let discipline = &mut state.discipline;
            match discipline.write(bytes) {
                0 if !discipline.is_stopped() && discipline.output_room() >= LONGEST_REPLACEMENT => {
                    Some(Err(Errno::ENOMEM))
                }
                0 => None,
                count => Some(Ok(count)),
            }
        };
        let taken = match offer(cx) {
            Some(taken) => taken,
            None if is_non_blocking => {
                self.lacked_room.store(true, Ordering::Release);
                // Who made room before that was known has told nobody of it.
                offer(cx).unwrap_or(Err(Errno::EAGAIN))
            }
            None => self.writable.wait(cx, Wait::interruptible("terminal output"), offer)?,
        };
        self.backend.show(cx, self);
        taken
    }
}
