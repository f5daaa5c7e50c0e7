//! `xtask inject`: builds a kernel with a deliberate defect and runs the test programs on it. The suite must turn red; if it
//! stays green, it doesn't test what it should, and this command fails.
//!
//! A defect is one expression in the kernel's own code, `cfg!(ochre_defect = "NAME")`, dead in every other build.

use crate::build;
use crate::tree::{self, Arch};
use std::process::{Command, Stdio};

/// The defects, with where each sits.
const DEFECTS: &[(&str, &str)] = &[
    ("cow", "a write to a page shared by fork is let through to the shared frame (kernel/src/mm/fault.rs)"),
    ("wakeup", "one wake-up in thirty-two is lost (machine/src/sync/wait_queue.rs)"),
    ("leak", "one freed frame in four is never used again (machine/src/mm/frame.rs)"),
];

/// `xtask inject`'s command line.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One of cow, wakeup, leak [default: all]
    defect: Option<String>,
    /// On this architecture
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
}

/// Injects the defects asked for, one after the other.
pub(crate) fn inject(arguments: &Arguments) -> anyhow::Result<()> {
    let wanted: Vec<_> =
        DEFECTS.iter().filter(|(name, _)| arguments.defect.as_deref().is_none_or(|only| only == *name)).collect();
    anyhow::ensure!(!wanted.is_empty(), "there is no such defect");
    let ochre = std::env::current_exe()?.with_file_name("ochre");
    let mut green = Vec::new();
    for (name, what) in wanted {
        println!("defect {name}: {what}");
        let out = tree::cache().join("defect").join(name).join(arguments.arch.name());
        build::build_one(arguments.arch, &out, Some(name))?;
        let file = if arguments.arch == Arch::Aarch64 { "Image" } else { "ochre-kernel" };
        let output = Command::new(&ochre)
            .args(["test", "--arch", arguments.arch.name(), "--cpus", "2", "--kernel"])
            .arg(out.join(file))
            .env("OCHRE_TOP", tree::top())
            .env("OCHRE_CACHE", tree::cache())
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        for line in text.lines().filter(|line| line.starts_with("---- ")).take(6) {
            println!("  {line}");
        }
        println!("  {}", text.lines().next_back().unwrap_or("the tests said nothing"));
        let turned_red = output.status.code() == Some(1);
        println!("test inject::{name} ... {}", if turned_red { "ok" } else { "FAILED" });
        if !turned_red {
            green.push(*name);
        }
    }
    anyhow::ensure!(green.is_empty(), "the tests do not notice: {}", green.join(", "));
    Ok(())
}
