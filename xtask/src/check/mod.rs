//! `xtask check`: what must hold for the tree, apart from its tests. One line a check, "test check::NAME ... VERDICT", as Rust's
//! test harness prints it, so that `ochre test` counts them like all others.

use crate::docs;
use crate::toolchain::Toolchain;
use crate::tree::{self, Arch};
use std::process::{Command, Output, Stdio};

mod layering;
mod links;
mod source;
mod text;

pub(crate) use source::{Source, all as sources};
pub(crate) use text::lines_with;

/// A check's outcome: nothing, or all that is wrong.
type Found = anyhow::Result<Vec<String>>;

/// Does all checks; an error if any of them found something.
pub(crate) fn check() -> anyhow::Result<()> {
    let mut failed = 0;
    let mut judge = |name: &str, found: Found| {
        let wrong = found.unwrap_or_else(|error| vec![format!("{error:#}")]);
        println!("test check::{name} ... {}", if wrong.is_empty() { "ok" } else { "FAILED" });
        if !wrong.is_empty() {
            println!("---- check::{name} stdout ----");
        }
        for line in wrong.iter().flat_map(|text| text.lines()) {
            println!("  {line}");
        }
        failed += usize::from(!wrong.is_empty());
    };
    judge("layering", layering::check());
    let sources = source::all()?;
    judge("unsafe_stays_in_machine", source::check_words(&sources));
    judge("every_file_has_a_header", source::check_headers(&sources));
    judge("no_file_is_too_long", source::check_lengths(&sources));
    judge("links_lead_somewhere", links::check());
    judge("generated_pages_are_fresh", docs::check());
    judge("formatting", quiet(Command::new("cargo").args(["fmt", "--all", "--", "--check"])));
    let mut clippy = Command::new("cargo");
    clippy.args(["clippy", "--quiet", "--locked", "--all-targets", "--target-dir"]);
    clippy.arg(tree::cache().join("target/clippy")).args(["--", "-Dwarnings"]);
    judge("clippy_on_the_host", quiet(&mut clippy));
    for arch in Arch::ALL {
        judge(&format!("clippy_of_the_kernel_for_{}", arch.name()), kernel_clippy(arch));
    }
    judge("token_rules_do_not_compile_when_broken", compile_fail());
    anyhow::ensure!(failed == 0, "{failed} checks failed");
    Ok(())
}

/// Runs a command that says nothing when all is well.
fn quiet(command: &mut Command) -> Found {
    let output = command.current_dir(tree::top()).stdin(Stdio::null()).output()?;
    Ok(if output.status.success() { Vec::new() } else { vec![tail(&output)] })
}

fn tail(output: &Output) -> String {
    let text = [&*String::from_utf8_lossy(&output.stdout), &*String::from_utf8_lossy(&output.stderr)].concat();
    let lines: Vec<&str> = text.lines().collect();
    lines[..lines.len().min(100)].join("\n")
}

/// Clippy for the kernel's crates, by the clippy that belongs to the compiler that builds them.
fn kernel_clippy(arch: Arch) -> Found {
    let toolchain = Toolchain::find(arch)?;
    let Some(mut clippy) = toolchain.clippy(arch, &tree::cache().join("target/kernel-clippy"))? else {
        return Ok(vec!["clippy for the kernel's compiler is missing".into()]);
    };
    quiet(clippy.args(["--quiet", "-p", "image", "-p", "modules", "-p", "kernel", "-p", "machine"]))
}

/// The misuses of locks and tokens that the compiler must refuse, by the script beside them.
fn compile_fail() -> Found {
    let mut script = Command::new("sh");
    script.arg("machine/compile_fail/run.sh").env("OUT", tree::cache().join("target/compile-fail"));
    Toolchain::find(Arch::X86_64)?.describe_to(&mut script);
    quiet(&mut script)
}
