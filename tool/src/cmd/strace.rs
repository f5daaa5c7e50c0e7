//! `ochre strace`: a program in a machine of its own, or a machine that runs already, with every system call told.

use super::attach::AttachOptions;
use super::run::{self, MachineOptions, RunArguments};
use crate::home::Home;
use crate::strace::{Shower, StraceOptions};
use std::ffi::OsString;

/// `ochre strace`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct StraceArguments {
    #[command(flatten)]
    strace: StraceOptions,
    #[command(flatten)]
    options: MachineOptions,
    #[command(flatten)]
    attach: AttachOptions,
    /// The program, by name or path in the root, or by path on the host; and its arguments
    #[arg(
        required_unless_present = "process",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM"
    )]
    program: Vec<OsString>,
}

/// Runs the program; answers its exit status.
pub(crate) fn strace(home: &Home, arguments: StraceArguments) -> anyhow::Result<u8> {
    let StraceArguments { strace, options, attach, program } = arguments;
    if let Some(attached) = attach.attach()? {
        return attached.watch(Box::new(Shower::new(strace)?), attach.limit);
    }
    run::run_strace(home, &RunArguments { options, program }, strace)
}
