//! What counting and firing cost, measured where they are used: `ochre.test=costs` on the command line prints a line "NAME COST COST" for
//! each, in nanoseconds, and `ochre bench trace` shows them. Under the emulator's instruction counting a nanosecond is an instruction, so the
//! figures are exact.
#![allow(unreachable_pub, reason = "what `provider!` declares is public, as providers usually are")]
use super::{Counter, count};
use crate::thread::header;
use crate::{log, time};
use core::hint::black_box;
use wire::trace::RING_RECORDS;

crate::provider! {
    /// Events of this measurement.
    pub mod cost = 30, Private;
    /// An event that tells nothing.
    none();
    /// An event that tells one thing.
    one(a: u64);
    /// An event that tells three things.
    three(a: u64, b: u64, c: u64);
    /// An event that tells as much as one can.
    seven(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64);
}

/// Rounds of a measurement, and how often the thing is done in each, so that the loop itself hardly counts.
const ROUNDS: u64 = 2048;
const UNROLLED: u64 = 16;

/// Nanoseconds of all rounds.
#[inline(always)]
fn time_of(body: impl Fn(u64)) -> u64 {
    let header = header::interrupts_off();
    let start = time::ticks();
    for round in 0..ROUNDS {
        let round = black_box(round);
        // As many as `UNROLLED` says.
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
        body(round);
    }
    let ns = time::ns_of_ticks(time::ticks() - start);
    header::interrupts_on(header);
    ns
}

#[inline(always)]
fn tell(name: &str, body: impl Fn(u64)) {
    // Once for the caches and the emulator's translation.
    time_of(&body);
    let loops = time_of(|_| ());
    let hundredths = time_of(&body).saturating_sub(loops) * 100 / (ROUNDS * UNROLLED);
    let (whole, part) = (hundredths / 100, hundredths % 100);
    log::early_write(alloc::format!("trace.{name} {whole}.{part:02} {whole}.{part:02}\n").as_bytes());
}

/// Measures and prints.
pub(crate) fn run() {
    super::init(1, RING_RECORDS);
    log::early_write(b"\n");
    tell("counter", |_| count(Counter::TraceDropped));
    tell("probe.off", |a| crate::probe!(cost::one(a)));
    for probe in cost::PROVIDER.probes {
        probe.set_recorded(true);
    }
    tell("event.0", |_| crate::probe!(cost::none()));
    tell("event.1", |a| crate::probe!(cost::one(a)));
    tell("event.3", |a| crate::probe!(cost::three(a, a, a)));
    tell("event.7", |a| crate::probe!(cost::seven(a, a, a, a, a, a, a)));
    log::early_write(b"end\n");
}
