//! The tool's end of the observation channel (`wire::observe`): what `trace`, `profile` and `strace` have in common.
//!
//! A command that watches a run implements [`Observer`] and gives it to `cmd::run::run_observed`. The channel is read in a thread of its
//! own, [`watcher`], so that an observer that computes or waits for its reader never delays the program's output; the guest does not wait for
//! it either, but drops and counts. Order of calls: `probes_known` once, when the guest has said hello and described its probes, to tell
//! the wishes; then `frame` for each frame, and `key` for each key of the menu; after the run, in the main thread, `finish`.
//!
//! A machine that is not watched from its start on keeps the channel for whoever attaches while it runs: [`hub`] has the running tool's side,
//! [`attach`] the other one's, [`door`] how they find each other.
//!
//! [`guest`] keeps what every observer needs: the clock, the probes, who is who. [`talk`] is where text goes.
pub(crate) mod attach;
pub(crate) mod door;
pub(crate) mod guest;
pub(crate) mod hub;
pub(crate) mod talk;
pub(crate) mod watcher;

use guest::Guest;
use std::fs::File;
use std::path::Path;
use wire::observe::Kind;

/// Words for the kernel's command line with which rings are long enough for records that leave the guest.
pub(crate) const RING_WORDS: &str = "ochre.ring=32768";

/// Someone who watches a run.
pub(crate) trait Observer: Send {
    /// Words to add to the kernel's command line.
    fn command_line(&self) -> String {
        String::new()
    }
    /// The machine runs already. An error: it cannot be watched in the way that is wanted.
    fn attaching(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
    /// What the machine boots with, or has booted with: the root as an archive, the kernel's image. Before anything is asked of it.
    fn booting(&mut self, _initramfs: &File, _kernel: &Path) -> anyhow::Result<()> {
        Ok(())
    }
    /// What to ask of the guest before the program starts. An error ends the run.
    fn probes_known(&mut self, guest: &Guest) -> anyhow::Result<Vec<(Kind, Vec<u8>)>>;
    /// A frame came, other than those that [`Guest`] keeps (it has taken process events already, and gives them here too).
    fn frame(&mut self, guest: &Guest, kind: Kind, stream: u8, payload: &[u8]) -> anyhow::Result<()>;
    /// The user pressed a key that is meant for whoever observes. Answers what to ask of the guest.
    fn key(&mut self, _guest: &Guest, _key: u8) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        Ok(Vec::new())
    }
    /// Whether it wants nothing now, so that nothing is missing if the machine goes.
    fn is_idle(&self) -> bool {
        false
    }
    /// The run is over, and all its frames have come, unless `is_cut`. Drops have been told.
    fn finish(&mut self, guest: &Guest, is_cut: bool) -> anyhow::Result<()>;
    /// The status with which the tool is to exit, after `finish`, if not with the program's.
    fn exit_status(&self) -> Option<u8> {
        None
    }
}
