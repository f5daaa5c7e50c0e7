//! The observer of `ochre profile`: asks for samples, gathers what comes, and writes the profile when the run is over.

use super::gather::Gathered;
use super::output::{self, Output};
use super::resolve::{By, Resolver};
use super::stacks::Profile;
use crate::observe::Observer;
use crate::observe::guest::Guest;
use crate::symbols::{KernelSymbols, Programs, RootFiles};
use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use wire::observe::Kind;
use wire::sample::{Counts, Wish};

/// What the user asked for.
pub(crate) struct Wanted {
    /// Of the guest.
    pub(crate) wish: Wish,
    /// How stacks are told apart.
    pub(crate) by: By,
    /// The command that is profiled.
    pub(crate) title: String,
    /// Where the profile goes; standard error if nowhere else.
    pub(crate) output: Option<Output>,
}

/// See the module.
pub(crate) struct Profiler {
    wanted: Wanted,
    gathered: Gathered,
    /// What names are looked up in.
    booted: Option<(RootFiles, KernelSymbols)>,
}

impl Profiler {
    /// For what the user asked.
    pub(crate) fn new(wanted: Wanted) -> Profiler {
        Profiler { wanted, gathered: Gathered::default(), booted: None }
    }
}

impl Observer for Profiler {
    fn booting(&mut self, initramfs: &File, kernel: &Path) -> anyhow::Result<()> {
        let root = RootFiles::open(initramfs.try_clone()?).context("cannot read the root again")?;
        let image = std::fs::read(kernel).with_context(|| format!("cannot read {}", kernel.display()))?;
        self.booted = Some((root, KernelSymbols::new(image)));
        Ok(())
    }

    fn probes_known(&mut self, _guest: &Guest) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        Ok(vec![(Kind::Sample, self.wanted.wish.encode().to_vec())])
    }

    fn frame(&mut self, _guest: &Guest, kind: Kind, _stream: u8, payload: &[u8]) -> anyhow::Result<()> {
        self.gathered.take(kind, payload);
        Ok(())
    }

    fn finish(&mut self, _guest: &Guest, is_cut: bool) -> anyhow::Result<()> {
        let Some((root, kernel)) = self.booted.take() else { return Ok(()) };
        let Wanted { wish, by, ref title, .. } = self.wanted;
        let mut resolver = Resolver::new(&self.gathered, kernel, Programs::new(root), by);
        let (on_cpu, off_cpu) = resolver.profiles(&self.gathered, wish.hz);
        let profile = if wish.off_cpu { off_cpu } else { on_cpu };
        let mut text = String::new();
        if is_cut {
            text.push_str("ochre: the run was cut short: the last samples are missing\n");
        }
        text.push_str(&counts(&self.gathered.counts(), &profile, wish));
        match self.wanted.output.take() {
            Some(output) => output.write(&profile, &output::title(&profile, title))?,
            None => text.push_str(&String::from_utf8_lossy(&output::summary(&profile))),
        }
        // Nobody listens any more: then there is nobody to tell.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        Ok(())
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
