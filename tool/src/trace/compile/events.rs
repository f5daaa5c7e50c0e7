//! Which events a pattern means.
use super::program::Compiler;
use crate::observe::guest::{Guest, Probe};
use crate::trace::functions::{Boundary, TracedFunction};
use crate::trace::plan::Event;
use crate::trace::source::{Mistake, mistake};
use crate::trace::user_functions::PREFIX;
use wire::observe::{BEGIN, END, PROFILE, TICK};
use wire::sample::RATES;

/// Functions that can have probes, as the kernel keeps room for.
const MOST_FUNCTIONS: usize = 1024;

/// An event that a pattern means, and which system calls alone, if it says so.
pub(super) type Meant<'b> = (Event<'b>, Option<Vec<u64>>);

impl<'a> Compiler<'a> {
    /// What a pattern means; for each event, which system calls alone, if it says so.
    pub(super) fn events<'b>(&mut self, at: usize, pattern: &str, guest: &'b Guest) -> Result<Vec<Meant<'b>>, Mistake>
    where
        'a: 'b,
    {
        if let Some(rest) = pattern.strip_prefix("fbt:") {
            return self.functions(at, rest);
        }
        if pattern.starts_with(PREFIX) {
            return self.user_functions(at, pattern);
        }
        match pattern {
            "BEGIN" => return Ok(vec![(Event::Own("BEGIN", BEGIN), None)]),
            "END" => return Ok(vec![(Event::Own("END", END), None)]),
            _ => {}
        }
        if let Some(interval) = pattern.strip_prefix("tick-") {
            let Some(ns) = interval_ns(interval, 10_000_000) else {
                return mistake(at, "a tick is tick-NUMBER and hz, ms, s or m, no shorter than 10 ms");
            };
            let number = self.plan.ticks.iter().position(|other| *other == ns).unwrap_or(self.plan.ticks.len());
            if number == self.plan.ticks.len() {
                self.plan.ticks.push(ns);
            }
            let number = u16::try_from(number).ok().filter(|number| *number < 16);
            let Some(number) = number else { return mistake(at, "there can be 16 different ticks") };
            return Ok(vec![(Event::Own("tick", TICK + number), None)]);
        }
        if let Some(rate) = pattern.strip_prefix("profile-") {
            let rate = rate_hz(rate);
            let Some(rate) = rate.filter(|rate| RATES.contains(rate)) else {
                return mistake(
                    at,
                    "a profile probe is profile-NUMBER and hz, or ms, us or s; 1 to 10,000 times a second",
                );
            };
            if self.plan.rate.is_some_and(|other| other != rate) {
                return mistake(at, "all profile probes of a program fire equally often");
            }
            self.plan.rate = Some(rate);
            return Ok(vec![(Event::Own("profile", PROFILE), None)]);
        }
        let mut found = Vec::new();
        let (mut knows_call, mut names_call) = (false, false);
        for probe in guest.probes() {
            let Some(function) = match_probe(pattern, probe) else { continue };
            if function.is_empty() {
                found.push((Event::Kernel(probe), None));
                continue;
            }
            if probe.provider != "syscall" {
                continue;
            }
            names_call = true;
            let calls: Vec<u64> = (0..u16::MAX.into())
                .take(1024)
                .filter(|number| guest.call(*number).is_some_and(|name| matches_glob(function, name)))
                .collect();
            knows_call |= !calls.is_empty();
            if !calls.is_empty() {
                found.push((Event::Kernel(probe), Some(calls)));
            }
        }
        match found.is_empty() {
            true if names_call && !knows_call => mistake(at, "no system call of this architecture is called so"),
            true => mistake(at, format!("no probe is called {pattern} (/proc/trace/events lists them)")),
            false => Ok(found),
        }
    }
}

impl<'a> Compiler<'a> {
    /// The entries and returns of functions of the kernel that `MODULE:FUNCTION:NAME` means. Only the function may have colons in it.
    fn functions(&mut self, at: usize, pattern: &str) -> Result<Vec<Meant<'a>>, Mistake> {
        let parts = pattern.split_once(':').and_then(|(module, rest)| Some((module, rest.rsplit_once(':')?)));
        let Some((module, (function, name))) = parts else {
            return mistake(
                at,
                "a function's probe is fbt:MODULE:FUNCTION:entry or :return; module and function may be empty",
            );
        };
        let is_meant = |boundary: &Boundary| name.is_empty() || matches_glob(name, boundary.name());
        let boundaries: Vec<Boundary> = Boundary::ALL.into_iter().filter(is_meant).collect();
        if boundaries.is_empty() {
            return mistake(at, "a function's probes are called entry and return");
        }
        let meant = self.catalog.matching(module, function);
        if meant.is_empty() {
            return mistake(at, "no function of the kernel that can have probes is called so");
        }
        let mut events = Vec::new();
        for boundary in boundaries {
            events.extend(self.boundaries(at, &meant, boundary)?);
        }
        Ok(events)
    }

    /// The entries of functions of programs.
    fn user_functions(&mut self, at: usize, pattern: &str) -> Result<Vec<Meant<'a>>, Mistake> {
        match self.catalog.user.matching(pattern) {
            (meant, 0) if meant.is_empty() => mistake(at, "no function of this file is called so"),
            (meant, _) if meant.is_empty() => {
                mistake(at, "functions that are called so begin with instructions that no probe can stand at")
            }
            (meant, _) => self.boundaries(at, &meant, Boundary::Entry),
        }
    }

    /// An event for each function.
    fn boundaries(
        &mut self,
        at: usize,
        meant: &[&'a TracedFunction],
        boundary: Boundary,
    ) -> Result<Vec<Meant<'a>>, Mistake> {
        let catalog = self.catalog;
        let count: usize = meant.iter().map(|function| function.addresses.len()).sum();
        if count > MOST_FUNCTIONS {
            return mistake(at, format!("{count} functions are called so, and {MOST_FUNCTIONS} can have probes"));
        }
        let mut events = Vec::new();
        for function in meant {
            let Some(number) = self.plan.function_number(function, boundary) else {
                return mistake(at, format!("{MOST_FUNCTIONS} functions can have probes"));
            };
            events.push((Event::Function(function, boundary, catalog.arguments_of(boundary), number), None));
        }
        Ok(events)
    }
}

/// Whether a pattern means a probe; if so, the pattern of the function, which may be empty.
fn match_probe<'p>(pattern: &'p str, probe: &Probe) -> Option<&'p str> {
    let is_part = |part: &str, text: &str| part.is_empty() || matches_glob(part, text);
    if !pattern.contains(':') {
        return matches_glob(pattern, &probe.provider).then_some("");
    }
    let mut parts = pattern.rsplitn(4, ':');
    let (name, function) = (parts.next()?, parts.next().unwrap_or_default());
    let (module, provider) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_meant = is_part(name, &probe.name) && is_part(module, "") && is_part(provider, &probe.provider);
    let function = if function == "*" { "" } else { function };
    is_meant.then_some(function)
}

fn matches_glob(pattern: &str, text: &str) -> bool {
    pure::glob::matches(pattern.as_bytes(), text.as_bytes())
}

/// Times a second, told as such or as the time between.
fn rate_hz(text: &str) -> Option<u32> {
    match text.strip_suffix("hz").unwrap_or(text).parse() {
        Ok(rate) => Some(rate),
        Err(_) => u32::try_from(1_000_000_000 / interval_ns(text, 1)?).ok(),
    }
}

/// An interval of at least so many nanoseconds; a number without a unit is times a second.
fn interval_ns(text: &str, least: u64) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().ok()?;
    let ns = match unit {
        "ns" | "nsec" => Some(number),
        "us" | "usec" => number.checked_mul(1_000),
        "ms" | "msec" => number.checked_mul(1_000_000),
        "s" | "sec" => number.checked_mul(1_000_000_000),
        "m" | "min" => number.checked_mul(60_000_000_000),
        "" | "hz" => 1_000_000_000u64.checked_div(number),
        _ => None,
    }?;
    (ns >= least).then_some(ns)
}
