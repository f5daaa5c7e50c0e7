//! Developer commands: build the kernel, check the tree, write the generated pages, inject defects, fuzz. What CI runs is what you run.
//!
//! One file per command; `tree` knows the layout of the checkout. Called by hand (`cargo xtask …` or the binary) and by the tool.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod build;
mod check;
mod docs;
mod flat_image;
mod fuzz;
mod inject;
mod symbols;
mod toolchain;
mod tree;

/// Developer commands of Ochre.
#[derive(Parser)]
#[command(name = "xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the kernel
    Build(build::Arguments),
    /// Say which compiler builds the kernel
    Toolchain,
    /// Check layering, unsafe code, headers, formatting, clippy and generated pages
    Check,
    /// Write the generated pages of docs/
    Docs,
    /// Run the fuzz targets of pure/fuzz for a short time
    Fuzz(fuzz::Arguments),
    /// Build kernels with deliberate defects and see that the tests notice
    Inject(inject::Arguments),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Build(arguments) => build::build(&arguments),
        Command::Toolchain => toolchain::Toolchain::describe(tree::Arch::X86_64).map(|text| println!("{text}")),
        Command::Check => check::check(),
        Command::Docs => docs::write(),
        Command::Fuzz(arguments) => fuzz::fuzz(&arguments),
        Command::Inject(arguments) => inject::inject(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<toolchain::Missing>() { toolchain::MISSING_STATUS } else { 1 })
        }
    }
}
