//! `ochre top`, and `--metrics` of `ochre run`: what CPUs and processes of the guest use, as a table that is drawn anew, or as a file.

use super::attach::AttachOptions;
use super::run::{self, MachineOptions, RunArguments};
use crate::home::Home;
use crate::metrics::{Metrics, Target};
use crate::observe::talk::Talk;
use crate::terminal;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

/// `ochre run`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct RunCommand {
    /// Keep what CPUs and processes use in this file, in Prometheus' text form, four times a second and at the end
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    #[command(flatten)]
    run: RunArguments,
}

/// `ochre top`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct TopArguments {
    #[command(flatten)]
    options: MachineOptions,
    /// Milliseconds from a table to the next
    #[arg(short, long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(50..=3_600_000))]
    delay: u32,
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
pub(crate) fn run(home: &Home, command: RunCommand) -> anyhow::Result<u8> {
    match command.metrics {
        Some(file) => {
            let metrics = Metrics::new(Target::File(file), 250);
            run::run_observed(home, &command.run, Some(Box::new(metrics)))
        }
        None => run::run(home, &command.run),
    }
}

/// Runs the program with the table on stderr; answers its exit status.
pub(crate) fn top(home: &Home, arguments: TopArguments) -> anyhow::Result<u8> {
    let TopArguments { options, delay, attach, program } = arguments;
    let attached = attach.attach()?;
    let talk = Talk::open(None, if attached.is_some() { 0 } else { terminal::descriptors() })?;
    let target = Target::Table { talk, is_terminal: std::io::stderr().is_terminal() };
    let metrics = Box::new(Metrics::new(target, delay));
    match attached {
        Some(attached) => attached.watch(metrics, attach.limit),
        None => run::run_observed(home, &RunArguments { options, program }, Some(metrics)),
    }
}
