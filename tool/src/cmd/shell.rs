//! `ochre shell`: an interactive shell, in a machine that can be profiled at any time.

use super::profile;
use super::run::{self, MachineOptions, RunArguments};
use crate::home::Home;

/// Runs `sh` as a login shell would be.
pub(crate) fn shell(home: &Home, options: MachineOptions) -> anyhow::Result<u8> {
    let arguments = RunArguments { options, program: ["sh", "-l"].map(Into::into).to_vec() };
    run::run_with_key(home, &arguments, Box::new(|| Ok(Box::new(profile::on_demand("ochre shell".to_string())?))))
}
