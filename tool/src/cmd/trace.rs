//! `ochre trace`: a program in a machine, or a machine that runs already, and what the probes of the kernel tell of it.

use super::attach::AttachOptions;
use super::run::{self, MachineOptions, RunArguments};
use crate::home::Home;
use crate::observe::talk::Talk;
use crate::profile::output::{Output, asks_for_stacks};
use crate::status::{self, failure};
use crate::terminal;
use crate::trace::Tracer;
use std::ffi::OsString;
use std::path::PathBuf;

/// `ochre trace`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct TraceArguments {
    #[command(flatten)]
    options: MachineOptions,
    /// Write the trace into this file [default: stderr]. A name that ends with .svg, .folded, .pb.gz or .json gets the first aggregation
    /// that has a stack in its key, as from `ochre profile`
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    attach: AttachOptions,
    /// What to trace: probes, and what to do with them: 'PROBES [/PREDICATE/] [{ ACTIONS }]' (see docs/observability.md)
    #[arg(required = true, value_name = "CLAUSES")]
    probes: Vec<String>,
    /// The program, and its arguments
    #[arg(required_unless_present = "process", last = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs the program; answers its exit status.
pub(crate) fn trace(home: &Home, arguments: TraceArguments) -> anyhow::Result<u8> {
    let TraceArguments { options, output, attach, probes, program } = arguments;
    // A file for stacks takes an aggregation; what else is said goes to stderr then.
    let (stacks, output) = match output {
        Some(path) if asks_for_stacks(&path) => (Some(Output::create(&path)?), None),
        other => (None, other),
    };
    let attached = attach.attach()?;
    let terminal = if attached.is_some() { 0 } else { terminal::descriptors() };
    let talk = Talk::open(output.as_deref(), terminal).map_err(|error| {
        let file = output.unwrap_or_default();
        failure(status::USAGE, format!("cannot write {}: {error}", file.display()))
    })?;
    let title = match &attached {
        Some(attached) => attached.booted.title.clone(),
        None => program.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
    };
    let tracer = Tracer::new(&probes, talk, stacks.map(|output| (output, title)))?;
    if let Some(attached) = attached {
        return attached.watch(Box::new(tracer), attach.limit);
    }
    run::run_observed(home, &RunArguments { options, program }, Some(Box::new(tracer)))
}
