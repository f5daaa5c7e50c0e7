//! What is typed: from the other side of a terminal through its line discipline to those who read.
use super::job_control;
use super::terminal::{State, Terminal};
use crate::signal::readiness::Change;
use core::sync::atomic::Ordering;
use machine::thread::CurrentThread;
use pure::line_discipline::Signal;

/// Bytes looked at in one go.
const BATCH: usize = 256;

/// What one go led to.
struct Batch {
    taken: usize,
    signals: [Option<Signal>; BATCH],
    has_flow_changed: bool,
    /// There is more to read than before.
    has_news: bool,
}

impl State {
    /// Gives the line discipline the next bytes that it can take.
    fn look_at_batch(&mut self) -> Batch {
        let mut batch = Batch { taken: 0, signals: [None; BATCH], has_flow_changed: false, has_news: false };
        let before = self.discipline.readable_places();
        while batch.taken < BATCH && self.discipline.has_room() {
            let Some(byte) = self.pending.pop_front() else { break };
            let is_known = self.looked_ahead != 0;
            self.looked_ahead = self.looked_ahead.saturating_sub(1);
            if let Some(outcome) = self.discipline.input(byte, is_known) {
                batch.has_flow_changed |= outcome.has_flow_changed;
                batch.signals[batch.taken] = outcome.signal;
            }
            batch.taken += 1;
        }
        self.discipline.show_echoes();
        batch.has_news = self.discipline.readable_places() > before;
        // What must wait may still have a flow control character in it, without which nothing would ever go on.
        if self.looked_ahead < self.pending.len() && batch.taken < BATCH {
            let unseen = self.pending.iter().skip(self.looked_ahead).copied();
            batch.has_flow_changed |= self.discipline.look_ahead(unseen);
            self.looked_ahead = self.pending.len();
        }
        batch
    }
}

impl Terminal {
    /// Takes what was typed, as far as there is room; answers how many bytes.
    pub(super) fn type_in(&self, cx: &mut CurrentThread, bytes: &[u8]) -> usize {
        let count = {
            let mut state = self.state.lock(cx);
            let room = self.backend.pending_capacity().saturating_sub(state.pending.len());
            let count = bytes.len().min(room);
            if state.is_master_closed || state.pending.try_reserve(count).is_err() {
                return 0;
            }
            state.pending.extend(&bytes[..count]);
            count
        };
        self.look_at_pending(cx);
        count
    }

    /// Gives the line discipline what it can take.
    pub(super) fn look_at_pending(&self, cx: &mut CurrentThread) {
        loop {
            let (batch, foreground, is_readable) = {
                let mut state = self.state.lock(cx);
                if state.pending.is_empty() {
                    return;
                }
                let batch = state.look_at_batch();
                (batch, state.foreground, state.discipline.is_readable())
            };
            for signal in batch.signals.iter().flatten() {
                job_control::signal_group(cx, foreground, number(*signal));
            }
            if is_readable {
                self.readable.wake_all();
            }
            if batch.has_news {
                self.listeners.tell(cx, Change::Input);
            }
            if batch.has_flow_changed {
                self.wake_writers();
            }
            self.backend.show(cx, self);
            self.backend.submit(cx);
            if batch.taken == 0 {
                return;
            }
            self.backend.taken(cx, batch.taken);
            self.typable.wake_all();
            if self.master_lacked_room.swap(false, Ordering::AcqRel) {
                self.master_listeners.tell(cx, Change::Output);
            }
        }
    }

    /// Nothing more will be typed: readers find the end of file.
    pub(super) fn end_input(&self, cx: &CurrentThread) {
        self.state.lock(cx).has_ended = true;
        self.readable.wake_all();
        self.wake_writers();
    }
}

/// The number of a signal of the line discipline.
const fn number(signal: Signal) -> u32 {
    match signal {
        Signal::Interrupt => abi::linux::SIGINT,
        Signal::Quit => abi::linux::SIGQUIT,
        Signal::Stop => abi::linux::SIGTSTP,
    }
}
