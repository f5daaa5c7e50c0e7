//! `xtask fuzz`: the fuzz targets of `pure/fuzz`, each for a short time. Needs a nightly compiler (for libFuzzer's instrumentation)
//! and a C++ compiler; the unit tests have small fuzzers of their own that need neither.

use crate::tree;
use anyhow::Context;
use std::process::Command;

/// `xtask fuzz`'s command line.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds for each target
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// One target only
    target: Option<String>,
}

/// What cargo-fuzz would pass: coverage counters and the address sanitizer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Zsanitizer=address";

/// Runs the targets.
pub(crate) fn fuzz(arguments: &Arguments) -> anyhow::Result<()> {
    let directory = tree::top().join("pure/fuzz");
    let mut targets: Vec<String> = std::fs::read_dir(directory.join("fuzz_targets"))?
        .flatten()
        .filter_map(|entry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .filter(|name| arguments.target.as_ref().is_none_or(|only| only == name))
        .collect();
    targets.sort();
    anyhow::ensure!(!targets.is_empty(), "there is no such fuzz target");
    let mut failed = Vec::new();
    for target in targets {
        let status = Command::new("rustup")
            .args(["run", "nightly", "cargo", "run", "--quiet", "--release", "--target-dir"])
            .arg(tree::cache().join("target/fuzz"))
            .args(["--target", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH), "--bin", &target, "--"])
            .args([format!("-max_total_time={}", arguments.seconds), "-max_len=4096".into(), "-verbosity=0".into()])
            .env("RUSTFLAGS", FLAGS)
            .current_dir(&directory)
            .status()
            .context("cannot start rustup's nightly toolchain")?;
        println!("test fuzz::{target} ... {}", if status.success() { "ok" } else { "FAILED" });
        if !status.success() {
            failed.push(target);
        }
    }
    anyhow::ensure!(failed.is_empty(), "crashes found by: {}", failed.join(", "));
    Ok(())
}
