//! The command line, and which command it means.

use crate::cmd::bench::BenchArguments;
use crate::cmd::dump::DumpArguments;
use crate::cmd::gdb::GdbArguments;
use crate::cmd::profile::ProfileArguments;
use crate::cmd::run::MachineOptions;
use crate::cmd::strace::StraceArguments;
use crate::cmd::test::TestArguments;
use crate::cmd::top::{RunCommand, TopArguments};
use crate::cmd::trace::TraceArguments;
use crate::cmd::{bench, doctor, dump, gdb, profile, shell, strace, test, top, trace};
use crate::home::Home;
use crate::{status, vmm};
use clap::{Parser, Subcommand};

/// Runs Linux programs in virtual machines of their own, on the Ochre kernel.
#[derive(Parser)]
#[command(name = "ochre", version, after_help = status::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a program in a fresh machine; exit with its status
    #[command(after_help = status::HELP)]
    Run(RunCommand),
    /// An interactive shell in a fresh machine
    Shell(MachineOptions),
    /// Run a program and show what the kernel's probes tell of it
    #[command(after_help = status::HELP)]
    Trace(TraceArguments),
    /// Run a program and show its system calls, with strace's options
    #[command(after_help = status::HELP)]
    Strace(StraceArguments),
    /// Run a program, and show in which functions of it and of the kernel time goes
    #[command(after_help = status::HELP)]
    Profile(ProfileArguments),
    /// Run a program, and show what processors and processes use meanwhile
    #[command(after_help = status::HELP)]
    Top(TopArguments),
    /// Run a program under GDB, with the kernel's symbols and commands for its data
    #[command(after_help = status::HELP)]
    Gdb(GdbArguments),
    /// Show what an image of a guest's memory, or a copy of its console, tells of a failed or hanging kernel
    Dump(DumpArguments),
    /// Show what is installed, what is missing, what will be used
    Doctor,
    /// Run every test of the project, on both architectures
    Test(TestArguments),
    /// Measure this kernel beside Debian's Linux in the same machine
    Bench(BenchArguments),
}

/// Does what the command line says; answers the exit status.
pub(crate) fn run() -> anyhow::Result<u8> {
    let words: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == vmm::BECOME_VMM) {
        return Err(vmm::become_vmm(&words[1..]));
    }
    let cli = Cli::parse();
    let home = Home::find()?;
    match cli.command {
        Command::Run(command) => top::run(&home, command),
        Command::Test(arguments) => test::test(&home, &arguments),
        Command::Doctor => doctor::doctor(&home),
        Command::Bench(arguments) => bench::bench(&home, &arguments),
        Command::Trace(arguments) => trace::trace(&home, arguments),
        Command::Strace(arguments) => strace::strace(&home, arguments),
        Command::Profile(arguments) => profile::profile(&home, arguments),
        Command::Dump(arguments) => dump::dump(&arguments),
        Command::Top(arguments) => top::top(&home, arguments),
        Command::Gdb(arguments) => gdb::gdb(&home, arguments),
        Command::Shell(options) => shell::shell(&home, options),
    }
}
