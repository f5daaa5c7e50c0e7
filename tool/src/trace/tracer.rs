//! The observer of `ochre trace`.
use super::aggregation::Aggregations;
use super::compile::compile;
use super::functions::{Boundary, Catalog, Provider};
use super::kept::Kept;
use super::merge::Merger;
use super::parse::parse;
use super::plan::{Column, Meaning, Output, Piece, Plan};
use super::show;
use super::source::{Mistake, Shown};
use super::syntax::Clause;
use super::user_functions::PREFIX;
use crate::observe::guest::Guest;
use crate::observe::talk::Talk;
use crate::observe::{Observer, RING_WORDS};
use crate::profile;
use crate::status::{self, failure};
use crate::symbols::{KernelSymbols, Programs, RootFiles};
use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use wire::observe::{
    BEGIN, EXIT, FUNCTION, FunctionProbe, Kind, MAX_PAYLOAD, OUTPUT, OUTPUT_LAST, ProcessEvent, Reader, Writer,
    take_record,
};
use wire::trace::Record;

/// How far marks are set back: a record's time is taken shortly before the record can be read.
const SLACK_NS: u64 = 100_000;

/// Has a trace program run in the guest and shows what comes of it.
pub(crate) struct Tracer {
    text: String,
    clauses: Vec<Clause>,
    catalog: Catalog,
    plan: Plan,
    talk: Talk,
    merger: Merger,
    kept: Kept,
    aggregations: Aggregations,
    has_heading: bool,
    exit_status: Option<u8>,
    /// Where stacks go, and what the picture is called.
    stacks: Option<(profile::output::Output, String)>,
}

impl Tracer {
    /// For the program that `texts` are, one after another. A mistake that shows without a guest is told at once.
    pub(crate) fn new(
        texts: &[String],
        talk: Talk,
        stacks: Option<(profile::output::Output, String)>,
    ) -> anyhow::Result<Tracer> {
        let text = texts.join("\n;");
        let clauses = parse(&text).map_err(|mistake| refuse(&text, &mistake))?;
        Ok(Tracer {
            text,
            clauses,
            catalog: Catalog::default(),
            plan: Plan::default(),
            talk,
            merger: Merger::default(),
            kept: Kept::default(),
            aggregations: Aggregations::default(),
            has_heading: false,
            exit_status: None,
            stacks,
        })
    }

    /// The functions that are to have probes, in frames.
    fn functions(&self) -> Vec<(Kind, Vec<u8>)> {
        let numbered = || self.plan.functions.iter().zip(FUNCTION..);
        let of = |provider| numbered().filter(move |(function, _)| function.provider == provider);
        let probes: Vec<FunctionProbe> = of(Provider::Kernel)
            .flat_map(|(function, number)| {
                let is_return = function.boundary == Boundary::Return;
                let probe = move |address: &u64| FunctionProbe { number, address: *address, is_return };
                function.addresses.iter().map(probe)
            })
            .collect();
        let frame = |probes: &[FunctionProbe]| {
            let mut payload = vec![0; probes.len() * FunctionProbe::BYTES];
            let mut out = Writer::new(&mut payload);
            probes.iter().for_each(|probe| probe.encode(&mut out));
            (Kind::Functions, payload)
        };
        let of_kernel = probes.chunks(MAX_PAYLOAD / FunctionProbe::BYTES).map(frame);
        of_kernel.chain(self.catalog.user.wishes(of(Provider::User))).collect()
    }

    fn show_until(&mut self, guest: &Guest, mark: u64) -> anyhow::Result<()> {
        let mut last = None;
        while let Some(record) = self.merger.pop(mark) {
            self.show(guest, &record)?;
            last = Some(record);
        }
        // What a clause does with aggregations belongs together: nothing may be told in between.
        let is_handled = |record: &Record| {
            let place = record.head.probe.checked_sub(OUTPUT).map(usize::from);
            matches!(place.and_then(|place| self.plan.outputs.get(place)), Some(Output::Handled(_)))
        };
        if let Some(last) = last.filter(is_handled) {
            let until = last.ticks.saturating_add(slack(guest) / 2);
            while let Some(record) = self.merger.pop(until) {
                self.show(guest, &record)?;
            }
        }
        Ok(self.talk.flush()?)
    }

    fn show(&mut self, guest: &Guest, record: &Record) -> anyhow::Result<()> {
        match record.head.probe {
            EXIT => self.exit_status = record.values().first().and_then(|status| u8::try_from(*status).ok()),
            number @ OUTPUT..=OUTPUT_LAST => {
                let meaning = Meaning { plan: &self.plan, guest, kept: &self.kept };
                let text = match self.plan.outputs.get(usize::from(number - OUTPUT)) {
                    Some(Output::Said(pieces)) => said(&meaning, pieces, record.values()),
                    Some(Output::Handled(handle)) => {
                        let number = record.values().first().map(|number| number.cast_signed());
                        self.aggregations.handle(&meaning, handle, number)
                    }
                    None => String::new(),
                };
                self.talk.write_all(text.as_bytes())?;
            }
            BEGIN.. => {}
            _ => {
                if !std::mem::replace(&mut self.has_heading, true) {
                    writeln!(self.talk, "{}", show::HEADING)?;
                }
                writeln!(self.talk, "{}", show::line(&self.plan, guest, record))?;
            }
        }
        Ok(())
    }
}

/// How far marks are set back, in ticks.
fn slack(guest: &Guest) -> u64 {
    guest.hello.map_or(0, |hello| hello.ticks_per_second / (1_000_000_000 / SLACK_NS))
}

fn refuse(text: &str, mistake: &Mistake) -> anyhow::Error {
    failure(status::USAGE, Shown(text, mistake).to_string())
}

/// An output's pieces with their values.
fn said(meaning: &Meaning<'_>, pieces: &[Piece], values: &[u64]) -> String {
    let mut rest = values;
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Value(conversion, column) => {
                let (words, later) = rest.split_at(column.width().min(rest.len()));
                rest = later;
                let shown = column.shown(meaning, words);
                // A stack in a line goes on below it.
                if matches!(column, Column::Stack(_)) && !text.is_empty() {
                    text.push('\n');
                }
                let value =
                    if column.is_text() { Err(shown.as_str()) } else { Ok(words.first().copied().unwrap_or(0)) };
                text.push_str(&conversion.apply(value));
            }
        }
    }
    text
}

impl Observer for Tracer {
    fn command_line(&self) -> String {
        RING_WORDS.into()
    }

    fn attaching(&mut self) -> anyhow::Result<()> {
        let mut patterns = self.clauses.iter().flat_map(|clause| &clause.probes);
        if patterns.any(|(_, name)| name.starts_with(PREFIX)) {
            let text = "probes in programs need a machine that is traced from its start on: ochre trace ... -- PROGRAM";
            return Err(failure(status::USAGE, text));
        }
        Ok(())
    }

    fn booting(&mut self, initramfs: &File, kernel: &Path) -> anyhow::Result<()> {
        let image = std::fs::read(kernel).with_context(|| format!("cannot read {}", kernel.display()))?;
        self.kept.booting(initramfs.try_clone()?, image.clone());
        self.catalog = Catalog::new(&KernelSymbols::new(image));
        let patterns =
            || self.clauses.iter().flat_map(|clause| &clause.probes).filter(|(_, name)| name.starts_with(PREFIX));
        if patterns().next().is_some() {
            let root = RootFiles::open(initramfs.try_clone()?).context("cannot read the root again")?;
            let mut programs = Programs::new(root);
            for (at, pattern) in patterns() {
                let found = self.catalog.user.find(&mut programs, *at, pattern);
                found.map_err(|mistake| refuse(&self.text, &mistake))?;
            }
        }
        Ok(())
    }

    fn probes_known(&mut self, guest: &Guest) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        self.plan = compile(&self.clauses, guest, &self.catalog).map_err(|mistake| refuse(&self.text, &mistake))?;
        if self.stacks.is_some() && self.plan.stacks().is_none() {
            return Err(failure(status::USAGE, "-o: no aggregation of the program has a stack in its key"));
        }
        let ticks = self.plan.ticks.iter().flat_map(|ns| ns.to_le_bytes()).collect();
        let mut wishes = vec![(Kind::Ticks, ticks)];
        wishes.extend(self.functions());
        wishes.extend(self.plan.rate.map(|rate| (Kind::Rate, rate.to_le_bytes().to_vec())));
        let image = self.plan.image();
        anyhow::ensure!(image.len() <= pure::trace_program::MAX_IMAGE, "the trace program is too long for the kernel");
        let mut pieces = image.chunks(MAX_PAYLOAD - 1).peekable();
        while let Some(piece) = pieces.next() {
            wishes.push((Kind::Program, [&[u8::from(pieces.peek().is_none())], piece].concat()));
        }
        Ok(wishes)
    }

    fn frame(&mut self, guest: &Guest, kind: Kind, stream: u8, payload: &[u8]) -> anyhow::Result<()> {
        let mut from = Reader(payload);
        match kind {
            Kind::Records => {
                while let Some(record) = take_record(&mut from) {
                    self.merger.push(record);
                }
            }
            Kind::Kept => self.kept.take(payload),
            Kind::Process => {
                while let Some(event) = ProcessEvent::decode(&mut from) {
                    self.kept.take_event(&event);
                }
            }
            Kind::Mark => {
                self.show_until(guest, from.u64().unwrap_or(0).saturating_sub(slack(guest)))?;
            }
            Kind::Aggregations => {
                if let Some(table) = self.plan.tables.get(usize::from(stream)) {
                    self.aggregations.take(stream, &table.shape, payload);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, guest: &Guest, _is_cut: bool) -> anyhow::Result<()> {
        self.talk.no_longer_raw();
        self.show_until(guest, u64::MAX)?;
        let meaning = Meaning { plan: &self.plan, guest, kept: &self.kept };
        let shown = self.aggregations.show(&meaning);
        if let Some((output, title)) = self.stacks.take() {
            let profile = self.aggregations.profile(&meaning);
            output.write(&profile, &profile::output::title(&profile, &title))?;
        }
        write!(self.talk, "{shown}{}", self.kept.lost().unwrap_or_default())?;
        Ok(self.talk.flush()?)
    }

    fn exit_status(&self) -> Option<u8> {
        self.exit_status
    }
}
