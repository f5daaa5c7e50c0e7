//! The observer of `ochre trace`.
use super::merge::Merger;
use super::show;
use crate::observe::guest::Guest;
use crate::observe::talk::Talk;
use crate::observe::{Observer, RING_WORDS};
use std::io::Write;
use wire::observe::{Kind, Reader, take_record};

/// How far marks are set back: a record's time is taken shortly before the record can be read.
const SLACK_NS: u64 = 100_000;

/// Enables probes and shows their records.
pub(crate) struct Tracer {
    patterns: Vec<String>,
    talk: Talk,
    merger: Merger,
    has_heading: bool,
}

impl Tracer {
    /// For the probes that `patterns` mean.
    pub(crate) fn new(patterns: Vec<String>, talk: Talk) -> Tracer {
        Tracer { patterns, talk, merger: Merger::default(), has_heading: false }
    }

    fn show_until(&mut self, guest: &Guest, mark: u64) -> anyhow::Result<()> {
        while let Some(record) = self.merger.pop(mark) {
            if !std::mem::replace(&mut self.has_heading, true) {
                writeln!(self.talk, "{}", show::HEADING)?;
            }
            writeln!(self.talk, "{}", show::line(guest, &record))?;
        }
        Ok(self.talk.flush()?)
    }
}

impl Observer for Tracer {
    fn command_line(&self) -> String {
        RING_WORDS.into()
    }

    fn probes_known(&mut self, _guest: &Guest) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        Ok(vec![(Kind::Enable, self.patterns.join(" ").into_bytes())])
    }

    fn frame(&mut self, guest: &Guest, kind: Kind, _stream: u8, payload: &[u8]) -> anyhow::Result<()> {
        let mut from = Reader(payload);
        match kind {
            Kind::Records => {
                while let Some(record) = take_record(&mut from) {
                    self.merger.push(record);
                }
                Ok(())
            }
            Kind::Mark => {
                let slack = guest.hello.map_or(0, |hello| hello.ticks_per_second / (1_000_000_000 / SLACK_NS));
                self.show_until(guest, from.u64().unwrap_or(0).saturating_sub(slack))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self, guest: &Guest, _is_cut: bool) -> anyhow::Result<()> {
        self.talk.no_longer_raw();
        self.show_until(guest, u64::MAX)
    }
}
