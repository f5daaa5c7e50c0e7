//! The system call fuzzer (`user/fuzz`): a program that calls the kernel with hostile arguments, in one machine. Its exit status is the
//! verdict on itself, the machine's end that on the kernel; what it printed names the seed and the calls.

use super::guest::OtherKernel;
use super::programs::Programs;
use super::report::{Report, tail};
use crate::arch::Arch;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Rounds of a usual run: about 100,000 calls.
pub(crate) const ROUNDS: u32 = 60;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Guest architecture.
    pub(crate) arch: Arch,
    /// Its processors.
    pub(crate) cpus: u32,
    /// The first round's seed; each further round adds one.
    pub(crate) seed: u64,
    /// How many rounds.
    pub(crate) rounds: u32,
}

/// Runs the fuzzer.
pub(crate) fn run(plan: Plan, kernel: Option<OtherKernel<'_>>, programs: &Programs) -> anyhow::Result<Report> {
    let start = Instant::now();
    let Plan { arch, cpus, seed, rounds } = plan;
    let of_kernel = kernel.map(|kernel| format!("{} ", kernel.name)).unwrap_or_default();
    let mut report = Report::new(format!("system call fuzzer on {of_kernel}{arch}, {cpus} CPUs"));
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run", "--arch", arch.name(), "--accel", "tcg", "--memory", "512M", "--cpus", &cpus.to_string()]);
    command.arg("--timeout").arg(format!("{}s", 300 + 4 * u64::from(rounds)));
    kernel.iter().for_each(|kernel| kernel.add_to(&mut command));
    command.arg("--").arg(programs.directory.join("syscall_fuzz"));
    let output = command.args([seed.to_string(), rounds.to_string()]).stdin(Stdio::null()).output()?;
    if output.status.success() {
        report.passed += 1;
    } else {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // Unknown calls are what it makes; naming them all says nothing.
        let err: Vec<&str> = err.lines().filter(|line| !line.contains("unsupported system call")).collect();
        let text = format!("ended with {}\n{}\n{}", output.status, tail(&out, 20), tail(&err.join("\n"), 150));
        report.fail(format!("syscall_fuzz {seed} {rounds}"), text);
    }
    report.time = start.elapsed();
    Ok(report)
}
