//! The options with which a command watches a machine that runs already.

use super::run::parse_time;
use crate::observe::attach::{self, Attached};
use std::time::Duration;

/// See the module.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct AttachOptions {
    /// Watch the machine that another `ochre run` or `ochre shell` runs, by that command's process number, until Ctrl-C or the machine's end
    #[arg(short = 'p', long = "process", value_name = "PID", conflicts_with_all = ["program", "MachineOptions"])]
    process: Option<u32>,
    /// With -p: no longer than this time (a number with ms, s, m or h)
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time, requires = "process")]
    pub(crate) limit: Option<Duration>,
}

impl AttachOptions {
    /// Attaches, if that is wanted.
    pub(crate) fn attach(&self) -> anyhow::Result<Option<Attached>> {
        self.process.map(attach::attach).transpose()
    }
}
