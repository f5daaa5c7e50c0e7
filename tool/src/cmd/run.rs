//! `ochre run`: a program in a machine of its own.
//!
//! Everything that can be wrong without a machine is found first: usage, set-up, root, program. Then the machine is started, the
//! session passes bytes, and its outcome becomes the exit status.

use crate::arch::Arch;
use crate::home::Home;
use crate::observe::Observer;
use crate::observe::door::{Booted, Door};
use crate::observe::hub::{self, Hub, OnKey};
use crate::observe::watcher::{self, Of, Watcher};
use crate::program::{self, Program};
use crate::root::default;
use crate::root::initramfs::{Source, Unfinished};
use crate::session::{self, Ending, Outcome};
use crate::setup::{busybox, kernel, packages};
use crate::signals::Signals;
use crate::status::{self, failure};
use crate::strace::{Printer, StraceOptions};
use crate::terminal::{self, RawTerminal};
use crate::vmm::{self, Accelerator, Machine};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};
use wire::config::{Description, FLAG_STRACE, Terminal};

/// Options of every command that starts a machine.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct MachineOptions {
    /// Guest architecture [default: the host's]
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// Root file system: a directory, a tar or a cpio archive (also .gz) [default: BusyBox]
    #[arg(long, value_name = "PATH")]
    root: Option<PathBuf>,
    /// Put a file or directory of the host into the root, over what is there
    #[arg(long, value_name = "HOST:GUEST")]
    add: Vec<OsString>,
    /// Set a variable of the program's environment; a name alone passes the host's value
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    environment: Vec<OsString>,
    /// Directory in which the program starts
    #[arg(long, value_name = "DIR", default_value = "/")]
    workdir: OsString,
    /// Memory: a number with K, M or G [default: 256M, more for a large root]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    memory: Option<u64>,
    /// Processors
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: u32,
    /// Kind of machine [default: microvm or virt]
    #[arg(long, value_enum)]
    machine: Option<Machine>,
    /// Accelerator
    #[arg(long, value_enum, default_value = "auto")]
    accel: Accelerator,
    /// Show the kernel's log on stderr, from this level on (error, warn, info, debug)
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, default_missing_value = "info", require_equals = true)]
    kernel_log: Option<String>,
    /// End the run after this time (a number with ms, s, m or h) with status 124
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    timeout: Option<Duration>,
    /// Show each system call of the program on stderr
    #[arg(long)]
    strace: bool,
    /// Use this kernel in place of the checkout's
    #[arg(long, value_name = "FILE", hide = true)]
    kernel: Option<PathBuf>,
    /// Also write what the kernel says on its console into this file
    #[arg(long, value_name = "FILE", hide = true)]
    console: Option<PathBuf>,
    /// Add words to the kernel's command line
    #[arg(long, value_name = "WORDS", hide = true)]
    append: Option<String>,
    /// Add a word to QEMU's command line
    #[arg(long, value_name = "WORD", hide = true, allow_hyphen_values = true)]
    qemu: Vec<String>,
}

impl MachineOptions {
    /// The architecture asked for.
    pub(crate) fn arch(&self) -> Arch {
        self.arch.unwrap_or_else(Arch::host)
    }
    /// Adds words to QEMU's command line.
    pub(crate) fn add_qemu(&mut self, words: impl IntoIterator<Item = String>) {
        self.qemu.extend(words);
    }
}

/// `ochre run`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) options: MachineOptions,
    /// The program, by name or path in the root, or by path on the host; and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

fn parse_memory(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| "a size is a number with K, M or G".to_string())?;
    let kib = match unit.to_ascii_uppercase().as_str() {
        "K" | "KB" | "KIB" => Some(number),
        "" | "M" | "MB" | "MIB" => number.checked_mul(1024),
        "G" | "GB" | "GIB" => number.checked_mul(1024 * 1024),
        _ => return Err("a size is a number with K, M or G".into()),
    };
    let mib = kib.unwrap_or(u64::MAX) / 1024;
    if (MIN_MEMORY..=MAX_MEMORY).contains(&mib) {
        Ok(mib)
    } else {
        Err(format!("memory must be between {MIN_MEMORY}M and {}G", MAX_MEMORY / 1024))
    }
}

/// What the kernel takes besides the root, at least.
const KERNEL_MIB: u64 = 4;
/// What programs have besides the root if the user asks for nothing, and the largest root that is within it.
const DEFAULT_MIB: u64 = 256;
const SMALL_ROOT_MIB: u64 = 32;

/// A machine's memory in MiB if the user asks for nothing: the root is in it twice while it is unpacked.
fn memory_for(root_mib: u64) -> u64 {
    if root_mib <= SMALL_ROOT_MIB { DEFAULT_MIB } else { DEFAULT_MIB + 2 * root_mib }
}
const MIN_MEMORY: u64 = 8;
const MAX_MEMORY: u64 = 1024 * 1024;

pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| "a time is a number with ms, s, m or h".to_string())?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "" | "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err("a time is a number with ms, s, m or h".into()),
    };
    if seconds > 0.0 && seconds < 1e7 { Ok(Duration::from_secs_f64(seconds)) } else { Err("out of range".into()) }
}

/// Runs the program; answers the exit status.
pub(crate) fn run(home: &Home, arguments: &RunArguments) -> anyhow::Result<u8> {
    let strace = arguments.options.strace.then(StraceOptions::default);
    let outcome = run_watched(home, arguments, Watch { strace, ..Watch::default() })?;
    conclude(outcome, &arguments.options, &arguments.program)
}

/// The same, watched by an observer.
pub(crate) fn run_observed(
    home: &Home,
    arguments: &RunArguments,
    observer: Option<Box<dyn Observer>>,
) -> anyhow::Result<u8> {
    let strace = arguments.options.strace.then(StraceOptions::default);
    let outcome = run_watched(home, arguments, Watch { observer, strace, ..Watch::default() })?;
    conclude(outcome, &arguments.options, &arguments.program)
}

/// The same, with an observer that is made each time its key is pressed.
pub(crate) fn run_with_key(home: &Home, arguments: &RunArguments, on_key: OnKey) -> anyhow::Result<u8> {
    let strace = arguments.options.strace.then(StraceOptions::default);
    let outcome = run_watched(home, arguments, Watch { on_key: Some(on_key), strace, ..Watch::default() })?;
    conclude(outcome, &arguments.options, &arguments.program)
}

/// The same, with its system calls shown.
pub(crate) fn run_strace(home: &Home, arguments: &RunArguments, strace: StraceOptions) -> anyhow::Result<u8> {
    let outcome = run_watched(home, arguments, Watch { strace: Some(strace), ..Watch::default() })?;
    conclude(outcome, &arguments.options, &arguments.program)
}

/// The same in a machine that a debugger starts and may end; `None`: it did.
pub(crate) fn run_debugged(home: &Home, arguments: &RunArguments) -> anyhow::Result<Option<u8>> {
    let ending = run_watched(home, arguments, Watch { is_debugged: true, ..Watch::default() })?;
    match ending.outcome {
        Outcome::KernelFailed(_) => Ok(None),
        _ => conclude(ending, &arguments.options, &arguments.program).map(Some),
    }
}

/// Who looks on.
#[derive(Default)]
struct Watch {
    /// From the start on.
    observer: Option<Box<dyn Observer>>,
    /// Whenever it wants.
    on_key: Option<OnKey>,
    strace: Option<StraceOptions>,
    is_debugged: bool,
}

/// Who has the observation channel.
enum Channel {
    Watcher(Watcher),
    Hub(Hub),
}

fn run_watched(home: &Home, arguments: &RunArguments, watch: Watch) -> anyhow::Result<Ending> {
    let Watch { mut observer, on_key, strace, is_debugged } = watch;
    let RunArguments { options, program } = arguments;
    let arch = options.arch();
    let machine = options.machine.unwrap_or_else(|| Machine::default_of(arch));
    vmm::check_machine(machine, arch)?;
    let accelerator = vmm::choose_accelerator(options.accel, arch)?;
    // What the user got wrong is told before anything is built or installed.
    let terminal_bits = if is_debugged { 0 } else { terminal::descriptors() };
    let strace_settings = strace.as_ref().map(StraceOptions::settings).transpose()?;
    let initramfs = make_initramfs(home, options, program, (arch, terminal_bits), strace_settings.as_deref())?;
    let strace = strace
        .map(Printer::new)
        .transpose()
        .map_err(|error| failure(status::USAGE, format!("the file for the system calls cannot be written: {error}")))?;
    let root_mib = initramfs.metadata()?.len().div_ceil(1 << 20);
    let memory_mib = options.memory.unwrap_or_else(|| memory_for(root_mib));
    if root_mib + KERNEL_MIB > memory_mib {
        let text = format!("the root takes {root_mib} MiB and does not fit a machine of {memory_mib} MiB");
        return Err(failure(status::ROOT, format!("{text}; give more with --memory")));
    }
    let qemu = packages::ensure_program(arch.qemu(), arch.qemu_package())?;
    let kernel = match &options.kernel {
        Some(file) => file.clone(),
        None => kernel::ensure(home, arch, kernel::Build::Release)?,
    };
    if options.accel == Accelerator::Auto && accelerator == Accelerator::Tcg {
        say_emulated_once(home, arch);
    }
    if let Some(observer) = &mut observer {
        observer.booting(&initramfs, &kernel)?;
    }
    let request = vmm::Request {
        arch,
        machine,
        accelerator,
        memory_mib,
        cpus: options.cpus,
        kernel: &kernel,
        initramfs: &initramfs,
        command_line: command_line(options, observer.as_deref(), !is_debugged),
        observed: !is_debugged,
        console: options.console.as_deref(),
        extra: &options.qemu,
    };
    let signals = Signals::listen()?;
    let mut vmm = vmm::start(&qemu, &request)?;
    let channel = match (vmm.observe.take(), observer) {
        (Some(channel), Some(observer)) => {
            // Without a door nobody need be refused.
            if let Ok(door) = Door::open() {
                door.keep_shut()?;
            }
            Some(Channel::Watcher(watcher::start(channel, observer, Of::Run)?))
        }
        (Some(channel), None) => {
            let title = program.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
            let booted = Booted { initramfs: initramfs.try_clone()?, kernel: std::fs::File::open(&kernel)?, title };
            Some(Channel::Hub(hub::start(channel, booted, on_key, terminal_bits)?))
        }
        (None, _) => None,
    };
    let mut ending = {
        let _raw = RawTerminal::take(terminal_bits);
        let session = session::Options {
            timeout: options.timeout,
            show_log: options.kernel_log.is_some(),
            terminal: terminal_bits,
            strace,
            is_debugged,
        };
        let watched = match &channel {
            Some(Channel::Watcher(watcher)) => session::Watched::By(watcher),
            Some(Channel::Hub(hub)) => session::Watched::Open(hub),
            None => session::Watched::No,
        };
        session::run(vmm, session, &signals, watched)?
    };
    let is_ended_from_outside = matches!(ending.outcome, Outcome::TimedOut | Outcome::Ended(_));
    match channel {
        Some(Channel::Watcher(watcher)) => ending.wanted_status = watcher.finish(is_ended_from_outside)?,
        Some(Channel::Hub(hub)) => hub.finish(is_ended_from_outside)?,
        None => {}
    }
    Ok(ending)
}

/// The tool says why runs are slow, but not before every one of them.
fn say_emulated_once(home: &Home, arch: Arch) {
    let said = home.cache.join(format!("said-emulated-{arch}"));
    if !said.exists() && std::fs::write(&said, "").is_ok() {
        eprintln!("ochre: {arch} guests are emulated (TCG), since {}; this is said once", vmm::why_no_kvm(arch));
    }
}

fn command_line(options: &MachineOptions, observer: Option<&dyn Observer>, may_be_observed: bool) -> String {
    let level = if options.console.is_some() { "info" } else { "warn" };
    let mut words = format!("ochre.log={}", options.kernel_log.as_deref().unwrap_or(level));
    if let Some(observer) = observer {
        words.push_str(" ochre.observe=1 ");
        words.push_str(&observer.command_line());
    } else if may_be_observed {
        words.push_str(" ochre.observe=later");
    }
    if let Some(more) = &options.append {
        words.push(' ');
        words.push_str(more);
    }
    words
}

/// The program's environment: a few defaults, then what the user says.
fn environment(options: &MachineOptions, terminal: u8) -> Vec<Vec<u8>> {
    let mut variables: Vec<Vec<u8>> = vec![format!("PATH={}", program::PATH).into(), b"HOME=/root".to_vec()];
    if terminal != 0 {
        let kind = std::env::var_os("TERM").unwrap_or_else(|| "linux".into());
        variables.push([b"TERM=", kind.as_bytes()].concat());
    }
    for word in &options.environment {
        let mut variable = word.as_bytes().to_vec();
        if !variable.contains(&b'=') {
            let Some(value) = std::env::var_os(word) else { continue };
            variable.push(b'=');
            variable.extend(value.into_vec());
        }
        let name_end = variable.iter().position(|byte| *byte == b'=').map_or(variable.len(), |at| at + 1);
        variables.retain(|other| !other.starts_with(&variable[..name_end]));
        variables.push(variable);
    }
    variables
}

fn make_initramfs(
    home: &Home,
    options: &MachineOptions,
    program: &[OsString],
    (arch, terminal_bits): (Arch, u8),
    strace: Option<&[u8]>,
) -> anyhow::Result<std::fs::File> {
    let environment = environment(options, terminal_bits);
    let source = match &options.root {
        Some(path) => Source::Host(path),
        None => Source::Default(default::open(home, arch, &busybox::ensure(home, arch)?)?),
    };
    let as_bytes = |words: &[Vec<u8>]| words.iter().map(|word| word.len() + 16).sum::<usize>();
    let words: Vec<Vec<u8>> = program.iter().map(|word| word.as_bytes().to_vec()).collect();
    let bound =
        as_bytes(&words) + as_bytes(&environment) + options.workdir.len() + strace.map_or(0, <[u8]>::len) + 4096 + 1024;
    let mut initramfs = Unfinished::new(source, bound)?;
    for word in &options.add {
        add(&mut initramfs, word)?;
    }
    let search = environment
        .iter()
        .rev()
        .find_map(|variable| variable.strip_prefix(b"PATH="))
        .unwrap_or(program::PATH.as_bytes());
    let found = Program::find(&program[0], initramfs.index(), search, options.workdir.as_bytes(), arch)?;
    if let Program::Host { file, guest } = &found {
        initramfs.add_file(guest, file, 0o755)?;
    }
    let (rows, columns) = terminal::size().unwrap_or((0, 0));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let arguments: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let environment: Vec<&[u8]> = environment.iter().map(Vec::as_slice).collect();
    initramfs.finish(&Description {
        program: &found.path(),
        arguments: &arguments,
        environment: &environment,
        workdir: options.workdir.as_bytes(),
        hostname: b"ochre",
        terminal: Terminal { descriptors: terminal_bits, rows, columns },
        epoch_ns: u64::try_from(now.as_nanos()).unwrap_or(0),
        flags: if strace.is_some() { FLAG_STRACE } else { 0 },
        strace: strace.unwrap_or_default(),
    })
}

/// Does what `--add HOST:GUEST` says.
fn add(initramfs: &mut Unfinished, word: &OsString) -> anyhow::Result<()> {
    let bytes = word.as_bytes();
    let split = bytes.iter().rposition(|byte| *byte == b':').filter(|at| bytes.get(at + 1) == Some(&b'/'));
    let Some(split) = split else {
        let shown = word.to_string_lossy();
        return Err(failure(status::USAGE, format!("--add takes HOST:/PATH/IN/THE/GUEST, not {shown}")));
    };
    let host = PathBuf::from(OsString::from_vec(bytes[..split].to_vec()));
    let guest = bytes[split + 1..].trim_ascii_start().strip_prefix(b"/").unwrap_or_default();
    let guest = guest.strip_suffix(b"/").unwrap_or(guest);
    initramfs
        .add(guest, &host)
        .map_err(|error| failure(status::ROOT, format!("cannot add {} to the root: {error}", host.display())))
}

/// Shows what the run left, and turns its outcome into the exit status.
fn conclude(ending: Ending, options: &MachineOptions, program: &[OsString]) -> anyhow::Result<u8> {
    let Ending { outcome, came_up, log_tail, complaints, report, wanted_status } = ending;
    for line in String::from_utf8_lossy(&report).lines() {
        eprintln!("ochre: {line}");
    }
    let show_tail = || {
        if options.kernel_log.is_none() && !log_tail.is_empty() {
            eprintln!("--- the end of the kernel's log ---");
            // Nobody listens to stderr: then there is nobody to tell.
            let _ = std::io::stderr().write_all(&log_tail);
            eprintln!("--- end ---");
        }
    };
    let name = program[0].to_string_lossy();
    match outcome {
        Outcome::Exited(wait_status) => Ok(wanted_status.unwrap_or_else(|| exit_status(wait_status))),
        Outcome::NotStarted(errno) => Err(not_started(&name, errno)),
        Outcome::Ended(signal) => Ok(128 + u8::try_from(signal).unwrap_or(0)),
        // Why has been told.
        Outcome::ObserverFailed => {
            Err(failure(status::USAGE, "the run was ended, because nobody observes it any more"))
        }
        Outcome::TimedOut => {
            show_tail();
            Err(failure(status::TIMEOUT, "the time given with --timeout is over"))
        }
        Outcome::NeverUp => {
            show_tail();
            Err(failure(status::KERNEL, "the kernel did not come up"))
        }
        Outcome::Garbled(reason) => {
            show_tail();
            Err(failure(status::KERNEL, format!("the kernel sent what cannot be understood: {reason}")))
        }
        Outcome::KernelFailed(qemu) => {
            show_tail();
            let has_epitaph = String::from_utf8_lossy(&log_tail).contains("*** kernel ");
            Err(machine_ended(qemu, came_up, has_epitaph, &complaints, options))
        }
    }
}

/// A shell's exit status for a wait status.
fn exit_status(wait_status: i32) -> u8 {
    let signal = wait_status & 0x7f;
    let value = if signal == 0 { wait_status >> 8 & 0xff } else { 128 + signal };
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn not_started(name: &str, errno: i32) -> anyhow::Error {
    const ENOENT: i32 = 2;
    const ENOEXEC: i32 = 8;
    const ENOMEM: i32 = 12;
    const EACCES: i32 = 13;
    const ENOTDIR: i32 = 20;
    let reason = std::io::Error::from_raw_os_error(errno);
    match errno {
        ENOENT | ENOTDIR => failure(
            status::NOT_FOUND,
            format!("cannot start {name}: it, its interpreter or the --workdir is not in the root"),
        ),
        ENOEXEC => failure(status::NOT_EXECUTABLE, format!("cannot start {name}: it is not a sound program")),
        EACCES => failure(status::NOT_EXECUTABLE, format!("cannot start {name}: permission denied")),
        ENOMEM => failure(status::KERNEL, format!("cannot start {name}: too little memory; give more with --memory")),
        _ => failure(status::NOT_EXECUTABLE, format!("cannot start {name}: {reason}")),
    }
}

/// The machine is gone without a result: whose fault? Where the machine cannot tell its VMM that the kernel failed (ARM64), the
/// epitaph in the log does.
fn machine_ended(
    qemu: ExitStatus,
    came_up: bool,
    has_epitaph: bool,
    complaints: &[u8],
    options: &MachineOptions,
) -> anyhow::Error {
    use std::os::unix::process::ExitStatusExt;
    let complaint = String::from_utf8_lossy(complaints);
    let complaint = complaint.lines().rev().find(|line| !line.trim().is_empty());
    let complaint = complaint.map(|line| line.rsplit_once("qemu-system-").map_or(line, |(_, rest)| rest));
    /// QEMU's status for the value that a failing kernel writes to `isa-debug-exit`.
    const PANIC: i32 = 0x2a * 2 + 1;
    match (qemu.signal(), qemu.code()) {
        (Some(signal), _) => failure(status::VMM, format!("QEMU was ended by signal {signal}")),
        // Status 1 is also that of a kernel that switches the machine off.
        (_, Some(1)) if !came_up && let Some(complaint) = complaint => {
            failure(status::VMM, format!("QEMU could not start the machine: {complaint}"))
        }
        (_, Some(code)) if code == PANIC || has_epitaph => failure(status::KERNEL, "the kernel failed"),
        _ if let Some(memory_mib @ ..32) = options.memory => failure(
            status::KERNEL,
            format!("the kernel stopped without a result; {memory_mib} MiB may be too little memory"),
        ),
        _ => failure(status::KERNEL, "the kernel stopped without a result"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_root_gets_more_memory() {
        assert_eq!(memory_for(3), 256);
        assert_eq!(memory_for(516), 256 + 1032);
    }

    #[test]
    fn sizes_and_times_are_read() {
        assert_eq!(parse_memory("256M"), Ok(256));
        assert_eq!(parse_memory("1g"), Ok(1024));
        assert_eq!(parse_memory("65536K"), Ok(64));
        assert!(parse_memory("1").is_err() && parse_memory("x").is_err() && parse_memory("9999999999999G").is_err());
        assert_eq!(parse_time("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_time("2m"), Ok(Duration::from_secs(120)));
        assert!(parse_time("0").is_err() && parse_time("-1").is_err() && parse_time("1y").is_err());
    }

    #[test]
    fn wait_statuses_become_exit_statuses() {
        assert_eq!(exit_status(0), 0);
        assert_eq!(exit_status(42 << 8), 42);
        assert_eq!(exit_status(11), 139);
        assert_eq!(exit_status(11 | 0x80), 139);
    }
}
