//! `ochre strace`: a program in a machine of its own, with every system call told.

use super::run::{self, MachineOptions, RunArguments};
use crate::home::Home;
use crate::strace::StraceOptions;
use std::ffi::OsString;

/// `ochre strace`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct StraceArguments {
    #[command(flatten)]
    strace: StraceOptions,
    #[command(flatten)]
    options: MachineOptions,
    /// The program, by name or path in the root, or by path on the host; and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs the program; answers its exit status.
pub(crate) fn strace(home: &Home, arguments: StraceArguments) -> anyhow::Result<u8> {
    let StraceArguments { strace, options, program } = arguments;
    run::run_strace(home, &RunArguments { options, program }, strace)
}
