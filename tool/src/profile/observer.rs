//! The observer of `ochre profile`: asks for samples, gathers what comes, and writes the profile when the run is over,
//! or each time the user ends sampling.

use super::gather::Gathered;
use super::output::{self, Output};
use super::resolve::{By, Resolver};
use super::stacks::Profile;
use crate::observe::Observer;
use crate::observe::guest::Guest;
use crate::observe::talk::Talk;
use crate::symbols::{KernelSymbols, Programs, RootFiles};
use anyhow::Context;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use wire::observe::Kind;
use wire::sample::{Counts, STOPPED, Wish};

/// What the user asked for.
pub(crate) struct Wanted {
    /// Of the guest.
    pub(crate) wish: Wish,
    /// How stacks are told apart.
    pub(crate) by: By,
    /// The command that is profiled.
    pub(crate) title: String,
    /// Where the profile goes.
    pub(crate) target: Target,
    /// Whether samples are taken from the start on; else from the first key on.
    pub(crate) starts_on: bool,
    /// Which descriptors are the terminal of the run.
    pub(crate) terminal: u8,
}

/// Where profiles go.
pub(crate) enum Target {
    /// A list on standard error, at the end.
    Error,
    /// A file, at the end.
    File(Output),
    /// A new file in the current directory each time sampling ends.
    EachTime,
}

/// The key that starts and stops sampling.
const KEY: u8 = b'p';

const BEGINS: &str = "ochre: sampling begins\n";

/// See the module.
pub(crate) struct Profiler {
    wanted: Wanted,
    gathered: Gathered,
    /// What names are looked up in: the root's archive, the kernel's image.
    booted: Option<(File, PathBuf)>,
    is_on: bool,
    /// What had been counted when sampling began.
    before: Counts,
    talk: Talk,
}

impl Profiler {
    /// For what the user asked.
    pub(crate) fn new(wanted: Wanted) -> io::Result<Profiler> {
        let talk = Talk::open(None, wanted.terminal)?;
        let (gathered, before) = (Gathered::default(), Counts::default());
        Ok(Profiler { is_on: wanted.starts_on, wanted, gathered, booted: None, before, talk })
    }

    fn say(&mut self, text: &str) {
        // Nobody listens any more: then there is nobody to tell.
        let _ = self.talk.write_all(text.as_bytes()).and_then(|()| self.talk.flush());
    }

    /// Makes the profile of what was gathered, and says what was counted.
    fn write(&mut self, is_cut: bool) -> anyhow::Result<()> {
        let Some((archive, kernel)) = &self.booted else { return Ok(()) };
        let root = RootFiles::open(archive.try_clone()?).context("cannot read the root again")?;
        let image = std::fs::read(kernel).with_context(|| format!("cannot read {}", kernel.display()))?;
        let Wanted { wish, by, ref title, .. } = self.wanted;
        let mut resolver = Resolver::new(&self.gathered, KernelSymbols::new(image), Programs::new(root), by);
        let (on_cpu, off_cpu) = resolver.profiles(&self.gathered, wish.hz).context("samples cannot be read again")?;
        let profile = if wish.off_cpu { off_cpu } else { on_cpu };
        let all = self.gathered.counts();
        let mut text = String::new();
        if is_cut {
            text.push_str("ochre: the run was cut short: the last samples are missing\n");
        }
        text.push_str(&counts(&all.since(&self.before), &profile, wish));
        text.extend(self.gathered.spaces().lost());
        let title = output::title(&profile, title);
        match std::mem::replace(&mut self.wanted.target, Target::EachTime) {
            Target::File(file) => file.write(&profile, &title)?,
            Target::Error => text.push_str(&String::from_utf8_lossy(&output::summary(&profile))),
            Target::EachTime if profile.stacks.is_empty() => {}
            Target::EachTime => {
                let (file, name) = Output::create_new()?;
                file.write(&profile, &title)?;
                text.push_str(&format!("ochre: the flame graph is in {name}\n"));
            }
        }
        self.before = all;
        self.gathered.forget_samples();
        self.say(&text);
        Ok(())
    }
}

impl Observer for Profiler {
    fn booting(&mut self, initramfs: &File, kernel: &Path) -> anyhow::Result<()> {
        self.booted = Some((initramfs.try_clone()?, kernel.to_path_buf()));
        Ok(())
    }

    fn probes_known(&mut self, _guest: &Guest) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        if self.is_on && matches!(self.wanted.target, Target::EachTime) {
            self.say(BEGINS);
        }
        let wish = self.is_on.then(|| (Kind::Sample, self.wanted.wish.encode().to_vec()));
        Ok(wish.into_iter().collect())
    }

    fn frame(&mut self, _guest: &Guest, kind: Kind, stream: u8, payload: &[u8]) -> anyhow::Result<()> {
        if kind == Kind::Samples && stream == STOPPED {
            return if matches!(self.wanted.target, Target::EachTime) { self.write(false) } else { Ok(()) };
        }
        self.gathered.take(kind, stream, payload).context("samples cannot be kept")
    }

    fn key(&mut self, _guest: &Guest, key: u8) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        if key != KEY {
            return Ok(Vec::new());
        }
        self.is_on = !self.is_on;
        let Wish { hz, .. } = self.wanted.wish;
        let wish = Wish { hz: if self.is_on { hz } else { 0 }, ..self.wanted.wish };
        self.say(if self.is_on { BEGINS } else { "ochre: sampling ends\n" });
        Ok(vec![(Kind::Sample, wish.encode().to_vec())])
    }

    fn is_idle(&self) -> bool {
        !self.is_on && matches!(self.wanted.target, Target::EachTime)
    }

    fn finish(&mut self, _guest: &Guest, is_cut: bool) -> anyhow::Result<()> {
        self.talk.no_longer_raw();
        if self.is_idle() { Ok(()) } else { self.write(is_cut) }
    }
}

/// One line on what was counted.
fn counts(counts: &Counts, profile: &Profile, wish: Wish) -> String {
    let Counts { user, kernel, idle, missed, lost } = *counts;
    let hz = wish.hz;
    let mut text = if wish.off_cpu {
        format!("ochre: {} ms off the CPU in {} stacks", profile.total() / 1000, profile.stacks.len())
    } else {
        let total = user + kernel;
        format!("ochre: {total} samples at {hz} a second: {user} in the program, {kernel} in the kernel; {idle} idle")
    };
    for (count, what) in [(missed, "came too late"), (lost, "lost for want of room")] {
        if count != 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::sample::CallGraph;

    #[test]
    fn what_was_counted_is_told() {
        let all = Counts { user: 5, kernel: 2, idle: 9, missed: 1, lost: 0 };
        let profile = super::super::stacks::sample::profile();
        let on_cpu =
            counts(&all, &profile, Wish { hz: 1000, off_cpu: false, call_graph: CallGraph::Auto, stack_bytes: 0 });
        assert_eq!(
            on_cpu,
            "ochre: 7 samples at 1000 a second: 5 in the program, 2 in the kernel; 9 idle, 1 came too late\n"
        );
    }
}
