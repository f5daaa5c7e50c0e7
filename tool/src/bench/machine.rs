//! One machine of a benchmark: the same QEMU command whatever the kernel, and the lines it prints on its UART, timed as they arrive.
//!
//! No control channel here: a peer has none, and the command must be the same.

use crate::arch::Arch;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What runs.
pub(crate) struct Setting<'a> {
    pub(crate) arch: Arch,
    pub(crate) qemu: &'a Path,
    pub(crate) kernel: &'a Path,
    pub(crate) initramfs: &'a std::fs::File,
    pub(crate) command_line: &'a str,
    pub(crate) memory_mib: u64,
    /// Count instructions: one a nanosecond of guest time, exact and repeatable.
    pub(crate) counts: bool,
    /// x86-64: a PC in place of the small machine, in which Linux finds no fine clock under emulation.
    pub(crate) is_pc: bool,
}

/// A line and when its end arrived, since QEMU was started.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) at: Duration,
}

/// The last line a benchmark program prints.
pub(crate) const END: &str = "end";

/// Ends QEMU when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the machine until it prints [`END`], ends, or `limit` passes; answers its lines. Whether they end with `END` is the
/// caller's to judge.
pub(crate) fn run(setting: &Setting<'_>, limit: Duration) -> anyhow::Result<Vec<Line>> {
    let started = Instant::now();
    let mut command = Command::new(setting.qemu);
    command.args(words(setting)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running(command.spawn()?);
    let Some(mut output) = running.0.stdout.take() else { anyhow::bail!("QEMU has no output") };
    let mut lines = Vec::new();
    let mut partial = Vec::new();
    let mut bytes = [0; 4096];
    while let Some(left) = limit.checked_sub(started.elapsed()) {
        let wait = Timespec { tv_sec: i64::try_from(left.as_secs())?, tv_nsec: i64::from(left.subsec_nanos()) };
        if poll(&mut [PollFd::new(&output.as_fd(), PollFlags::IN)], Some(&wait))? == 0 {
            break;
        }
        let count = output.read(&mut bytes)?;
        if count == 0 {
            break;
        }
        let at = started.elapsed();
        for &byte in &bytes[..count] {
            if byte != b'\n' {
                partial.push(byte);
                continue;
            }
            let text = String::from_utf8_lossy(&partial).trim_end().to_string();
            partial.clear();
            let is_end = text == END;
            lines.push(Line { text, at });
            if is_end {
                return Ok(lines);
            }
        }
    }
    Ok(lines)
}

/// QEMU's command line.
fn words(setting: &Setting<'_>) -> Vec<String> {
    let (machine, processor) = match setting.arch {
        Arch::X86_64 if setting.is_pc => ("q35", "max"),
        Arch::X86_64 => ("microvm,acpi=off", "max"),
        Arch::Aarch64 => ("virt,gic-version=3", "cortex-a72"),
    };
    // QEMU opens the unnamed file again by the descriptor of this process, which lives at least as long.
    let initramfs = format!("/proc/{}/fd/{}", std::process::id(), setting.initramfs.as_raw_fd());
    let memory = format!("{}M", setting.memory_mib);
    let kernel = setting.kernel.display().to_string();
    let accelerator = if setting.counts { "tcg,thread=single" } else { "tcg,thread=multi" };
    let mut words: Vec<String> = ["-M", machine, "-cpu", processor, "-accel", accelerator, "-smp", "1", "-m", &memory]
        .into_iter()
        .chain(["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot"])
        .chain(["-kernel", &kernel, "-initrd", &initramfs, "-append", setting.command_line])
        .map(String::from)
        .collect();
    if setting.counts {
        let exact = ["-icount", "shift=0,sleep=off", "-rtc", "base=2020-01-01,clock=vm", "-seed", "1"];
        words.extend(exact.map(String::from));
    }
    words
}
