//! `ochre profile`: a program in a machine, and where time goes in it and in the kernel.

use super::attach::AttachOptions;
use super::run::{self, MachineOptions, RunArguments};
use crate::home::Home;
use crate::profile::observer::{Profiler, Target, Wanted};
use crate::profile::output::Output;
use crate::profile::resolve::By;
use crate::signals;
use crate::status::{self, failure};
use crate::terminal;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use wire::sample::{CallGraph, RATES, STACK_BYTES, Wish};

/// `ochre profile`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ProfileArguments {
    #[command(flatten)]
    options: MachineOptions,
    /// Write the profile into this file; its name's end tells the format: .svg (flame graph), .folded, .pb.gz (pprof), .json
    /// (speedscope), .txt [default: a list on stderr]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Take no samples until they are asked for, by the keys Ctrl-] Ctrl-] p or by --toggle
    #[arg(long, conflicts_with = "process")]
    paused: bool,
    /// Begin or end sampling in the machine of a running `ochre profile` or `ochre shell`, by its process number, and do nothing else
    #[arg(long, value_name = "PID", conflicts_with_all = ["program", "process"])]
    toggle: Option<i32>,
    #[command(flatten)]
    attach: AttachOptions,
    /// Samples a second on each processor
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = rate)]
    hz: u32,
    /// Show where threads wait, in place of what runs
    #[arg(long)]
    off_cpu: bool,
    /// How callers are found: fp (frame pointers), dwarf[,BYTES] (by the programs' unwind tables and a copy of so much of the stack), or auto
    /// [,BYTES] (both: with a copy where frame pointers may not lead to the end)
    #[arg(long, value_name = "HOW", default_value = "auto", value_parser = callers)]
    call_graph: Callers,
    /// What stacks begin with
    #[arg(long, value_enum, default_value = "name")]
    by: By,
    /// The program, by name or path in the root, or by path on the host; and its arguments
    #[arg(
        required_unless_present_any = ["toggle", "process"],
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "PROGRAM"
    )]
    program: Vec<OsString>,
}

/// How callers are found, and the bytes of the stack that are copied for it.
type Callers = (CallGraph, u32);

/// Bytes of the stack if nothing is said: the most, since no more is copied than there is, and few stacks are so deep.
const STACK: u32 = *STACK_BYTES.end();

fn callers(text: &str) -> Result<Callers, String> {
    let (how, bytes) = text.split_once(',').map_or((text, None), |(how, bytes)| (how, Some(bytes)));
    let call_graph = match how {
        "fp" if bytes.is_none() => CallGraph::FramePointers,
        "auto" => CallGraph::Auto,
        "dwarf" => CallGraph::Stack,
        _ => return Err("fp, auto, auto,BYTES, dwarf or dwarf,BYTES".into()),
    };
    let bytes = bytes.map_or(Ok(STACK), str::parse).ok().filter(|bytes| STACK_BYTES.contains(bytes));
    let (least, most) = (STACK_BYTES.start(), STACK_BYTES.end());
    bytes
        .map(|bytes| (call_graph, bytes))
        .ok_or_else(|| format!("from {least} to {most} bytes of the stack can be copied"))
}

fn rate(text: &str) -> Result<u32, String> {
    let rate = text.parse().ok().filter(|rate| RATES.contains(rate));
    rate.ok_or_else(|| format!("from {} to {} samples a second can be taken", RATES.start(), RATES.end()))
}

/// Runs the program; answers its exit status.
pub(crate) fn profile(home: &Home, arguments: ProfileArguments) -> anyhow::Result<u8> {
    let ProfileArguments { options, output, paused, toggle, attach, hz, off_cpu, call_graph, by, program } = arguments;
    if let Some(pid) = toggle {
        return toggle_other(pid).map(|()| 0);
    }
    let attached = attach.attach()?;
    let (call_graph, stack_bytes) = call_graph;
    let output = output.as_deref().map(Output::create).transpose()?;
    let title = match &attached {
        Some(attached) => attached.booted.title.clone(),
        None => program.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
    };
    let wish = Wish { hz, off_cpu, call_graph, stack_bytes };
    let target = output.map_or(Target::Error, Target::File);
    let terminal = if attached.is_some() { 0 } else { terminal::descriptors() };
    let profiler = Box::new(Profiler::new(Wanted { wish, by, title, target, starts_on: !paused, terminal })?);
    if let Some(attached) = attached {
        return attached.watch(profiler, attach.limit);
    }
    run::run_observed(home, &RunArguments { options, program }, Some(profiler))
}

/// A profiler for commands that do something else, until the next key.
pub(crate) fn on_demand(title: String) -> io::Result<Profiler> {
    let wish = Wish { hz: 1000, off_cpu: false, call_graph: CallGraph::Auto, stack_bytes: STACK };
    let (target, terminal) = (Target::EachTime, terminal::descriptors());
    Profiler::new(Wanted { wish, by: By::Name, title, target, starts_on: true, terminal })
}

/// Begins or ends sampling in the machine of another process of this command.
fn toggle_other(pid: i32) -> anyhow::Result<()> {
    let refuse = || failure(status::USAGE, format!("no ochre profile or shell runs as process {pid}"));
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).map_err(|_| refuse());
    // One that does not listen to the signal would be ended by it.
    let caught =
        read("status")?.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigCgt:")?.trim(), 16).ok());
    let listens = caught.is_some_and(|signals| signals >> (signals::TOGGLE - 1) & 1 != 0);
    let process = rustix::process::Pid::from_raw(pid).filter(|_| listens).ok_or_else(refuse)?;
    if read("comm")?.trim_end() != "ochre" {
        return Err(refuse());
    }
    rustix::process::kill_process(process, rustix::process::Signal::USR1).map_err(|_| refuse())
}
