//! `ochre shell`: an interactive shell.

use super::run::{self, MachineOptions, RunArguments};
use crate::home::Home;

/// Runs `sh` as a login shell would be.
pub(crate) fn shell(home: &Home, options: MachineOptions) -> anyhow::Result<u8> {
    run::run(home, &RunArguments { options, program: ["sh", "-l"].map(Into::into).to_vec() })
}
