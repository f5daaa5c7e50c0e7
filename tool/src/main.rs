//! `ochre`, the host command: builds and finds what a run needs, starts the machine, and passes bytes and status through.
//!
//! `cli` says what can be asked; `cmd` has one file per command; `setup` sees that kernel, QEMU and BusyBox are there; `root`
//! writes the guest's file system; `vmm` makes QEMU's command line; `session` talks with the guest until it ends; `strace` shows
//! what it tells of system calls.
//! Data goes to stdout, talk to stderr; exit statuses are in `status`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

// First: its macros take the place of the library's in what follows.
#[macro_use]
mod say;

mod arch;
mod bench;
mod cli;
mod cmd;
mod dump;
mod home;
mod metrics;
mod observe;
mod profile;
mod program;
mod root;
mod session;
mod setup;
mod signals;
mod status;
mod strace;
mod suite;
mod symbols;
mod terminal;
mod trace;
mod unwind;
mod vmm;

fn main() -> ExitCode {
    match cli::run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("ochre: {error:#}");
            ExitCode::from(error.downcast_ref::<status::Failure>().map_or(1, |failure| failure.status))
        }
    }
}
