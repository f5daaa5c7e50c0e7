//! `ochre gdb`: a program in a machine that waits for GDB, and GDB on it, with the kernel's symbols and commands for its rings, counters,
//! threads and page tables (`tool/src/gdb/ochre.py`).
//!
//! QEMU's stub listens on a socket in a private directory. The program's output goes where it always goes; its input is empty, because the
//! terminal is GDB's. If GDB ends the machine, its exit status is ours.

use super::run::{self, MachineOptions, RunArguments};
use crate::arch::Arch;
use crate::home::Home;
use crate::setup::kernel::{self, Build};
use crate::setup::packages;
use crate::status::{self, failure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

/// `ochre gdb`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct GdbArguments {
    #[command(flatten)]
    options: MachineOptions,
    /// Let GDB run what --ex and --command say, and end
    #[arg(long)]
    batch: bool,
    /// A command for GDB once it is connected; may be given several times
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    ex: Vec<OsString>,
    /// A file of commands for GDB, run before those of --ex
    #[arg(short = 'x', long, value_name = "FILE")]
    command: Vec<OsString>,
    /// The program, by name or path in the root, or by path on the host; and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// The commands for GDB.
const SCRIPT: &str = include_str!("../gdb/ochre.py");

/// Runs the program under GDB; answers its exit status, or GDB's.
pub(crate) fn gdb(home: &Home, arguments: GdbArguments) -> anyhow::Result<u8> {
    let GdbArguments { mut options, batch, ex, command, program } = arguments;
    let arch = options.arch();
    let gdb = if arch == Arch::host() {
        packages::ensure_program("gdb", "gdb")?
    } else {
        packages::ensure_program("gdb-multiarch", "gdb-multiarch")?
    };
    let symbols = kernel::ensure(home, arch, Build::Release)?.with_file_name("ochre-kernel.debug");
    let directory = tempfile::tempdir()?;
    let (script, socket) = (directory.path().join("ochre.py"), directory.path().join("gdb"));
    std::fs::write(&script, SCRIPT)?;
    options.add_qemu([
        "-chardev".into(),
        format!("socket,id=gdb,path={},server=on,wait=off", socket.display()),
        "-gdb".into(),
        "chardev:gdb".into(),
        "-S".into(),
    ]);
    let mut debugger = Command::new(gdb);
    debugger.arg("-q").args(batch.then_some("-batch")).arg(symbols);
    // An emulated machine on a busy host may take its time to answer.
    for first in ["set pagination off", "set confirm off", "set remotetimeout 120"] {
        debugger.arg("-ex").arg(first);
    }
    debugger.arg("-ex").arg(format!("source {}", script.display()));
    debugger.arg("-ex").arg(format!("target remote {}", socket.display()));
    for file in command {
        debugger.arg("-x").arg(file);
    }
    for one in ex {
        debugger.arg("-ex").arg(one);
    }
    let waiter = std::thread::spawn(move || -> std::io::Result<Option<i32>> {
        let Some(mut child) = start(&mut debugger, &socket)? else { return Ok(None) };
        Ok(child.wait()?.code())
    });
    let result = run::run_debugged(home, &RunArguments { options, program });
    match (result, waiter.join()) {
        (Ok(Some(status)), _) => Ok(status),
        // GDB ended the machine.
        (Ok(None), Ok(Ok(code))) => Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        (Ok(None), _) => Err(failure(status::VMM, "GDB could not be started")),
        (Err(error), _) => Err(error),
    }
}

/// Starts GDB once QEMU listens; `None`: QEMU never did.
fn start(debugger: &mut Command, socket: &Path) -> std::io::Result<Option<Child>> {
    let waiting: PathBuf = socket.into();
    for _ in 0..2400 {
        if waiting.exists() {
            return debugger.spawn().map(Some);
        }
        // The directory goes away with the run.
        if !waiting.parent().is_some_and(Path::exists) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(None)
}
