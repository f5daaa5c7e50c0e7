//! From the first thread to the program and back: the order in which the kernel comes up, and its end.
//!
//! Main item: [`start`], called by `image`. What to run stands in the run description (`wire::config`) that the tool puts
//! into the initial RAM disk; without one, `/init` or `/bin/sh` is run on the UART, which is enough to look around.
use crate::console;
use crate::errno::{Errno, Result};
use crate::fs::{self, FileTable, FsContext, Path, Sink, open_for_kernel, walk::Walk};
use crate::syscall::strace;
use crate::task::{Credentials, Pid, RunRequest, host, start_init};
use crate::{mm, observe, signal, trace, tty};
use abi::Siginfo;
use abi::linux::O_RDONLY;
use alloc::vec::Vec;
use machine::log;
use machine::power::Exit;
use machine::thread::CurrentThread;
use machine::time;
use pure::stack_image::Strings;
use wire::config::{FILE_NAME, FLAG_STRACE, MAX_BYTES, RunConfig, Terminal};

/// The group of the program that the kernel starts: init is 1, and numbers are given in order.
pub(crate) const FIRST_PROGRAM: Pid = 2;

/// What to run, in the kernel's own memory.
struct Run {
    program: Vec<u8>,
    arguments: Strings,
    environment: Strings,
    workdir: Vec<u8>,
    terminal: Terminal,
}

/// Brings the kernel up, runs the program to its end, tells the host how it ended. `start_devices` starts the drivers.
pub fn start(cx: &mut CurrentThread, start_devices: fn(&mut CurrentThread)) -> Exit {
    trace::init();
    trace::enable_from_command_line();
    mm::init();
    trace::start_watchdog();
    machine::provoke::run_watched();
    start_devices(cx);
    console::set_signal_handler(host_signal);
    let result = run(cx);
    trace::program_ended();
    match result {
        Ok(status) => {
            tty::flush_console(cx);
            observe::finish(cx);
            console::exit(cx, status);
        }
        Err(error) => {
            log!(Error, "the program could not be started: {error}");
            observe::finish(cx);
            console::start_failed(cx, error.number().into());
        }
    }
    Exit::Off
}

fn run(cx: &mut CurrentThread) -> Result<i32> {
    let root = fs::start(cx)?;
    tty::register_devices(cx)?;
    let run = read_description(cx)?;
    remove_description(cx, &root)?;
    // The console must not stop the program from running; its absence is seen in what `/dev/console` answers.
    if run.terminal.descriptors != 0 {
        let Terminal { descriptors, rows, columns } = run.terminal;
        tty::start_console(cx, rows, columns, descriptors & 1 != 0);
    }
    let files = FileTable::new();
    for file in tty::standard_files(cx, run.terminal.descriptors)? {
        // No limit holds yet.
        files.insert(cx, file, false, u64::MAX)?;
    }
    let context = FsContext::new(root.clone());
    let workdir = find_workdir(cx, &root, &run.workdir)?;
    context.set_working(cx, workdir);
    observe::wait_for_start(cx);
    let Run { program, arguments, environment, .. } = run;
    trace::program_starts();
    start_init(cx, RunRequest { program, arguments, environment, files, fs: context })
}

fn find_workdir(cx: &mut CurrentThread, root: &Path, name: &[u8]) -> Result<Path> {
    let who = Credentials::root();
    let found = Walk::within(root.clone(), &who).resolve(cx, root.clone(), name, true)?;
    if found.inode()?.base().kind == fs::FileKind::Directory { Ok(found) } else { Err(Errno::ENOTDIR) }
}

/// Reads and checks the description, and sets what it says about the machine.
fn read_description(cx: &mut CurrentThread) -> Result<Run> {
    let Some(bytes) = read_file(cx, FILE_NAME.as_bytes())? else { return default_run(cx) };
    let config = RunConfig::parse(&bytes).map_err(|error| {
        log!(Error, "the run description cannot be used: {error:?}");
        Errno::EINVAL
    })?;
    if config.epoch_ns != 0 {
        time::set_wall_clock(config.epoch_ns);
    }
    host::set_node_name(config.hostname);
    if config.flags & FLAG_STRACE != 0 {
        strace::switch_on(&wire::strace::settings(config.strace));
    }
    Ok(Run {
        program: copy(config.program)?,
        arguments: strings(config.arguments())?,
        environment: strings(config.environment())?,
        workdir: copy(config.workdir)?,
        terminal: config.terminal,
    })
}

/// Takes the description out of the root: programs see what the user gave, nothing else.
fn remove_description(cx: &mut CurrentThread, root: &Path) -> Result<()> {
    let who = Credentials::root();
    let Some((directory, name)) = FILE_NAME.split_once('/') else { return Err(Errno::EINVAL) };
    let parent = match Walk::within(root.clone(), &who).resolve(cx, root.clone(), directory.as_bytes(), true) {
        Ok(parent) => parent,
        Err(Errno::ENOENT) => return Ok(()),
        Err(error) => return Err(error),
    };
    fs::names::unlink(cx, &who, &parent, name.as_bytes(), false)?;
    fs::names::remove_directory(cx, &who, root, directory.as_bytes())
}

/// Without a description: a shell, if there is one.
fn default_run(cx: &mut CurrentThread) -> Result<Run> {
    for program in [&b"/init"[..], b"/bin/sh"] {
        if open_for_kernel(cx, program, O_RDONLY, 0).is_ok() {
            return Ok(Run {
                program: copy(program)?,
                arguments: strings([program].into_iter())?,
                environment: strings([&b"PATH=/bin:/sbin:/usr/bin:/usr/sbin"[..], b"HOME=/"].into_iter())?,
                workdir: copy(b"/")?,
                terminal: Terminal::default(),
            });
        }
    }
    Err(Errno::ENOENT)
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

fn strings<'a>(each: impl Iterator<Item = &'a [u8]>) -> Result<Strings> {
    let mut strings = Strings::new();
    for text in each {
        strings.push(text).map_err(|_| Errno::ENOMEM)?;
    }
    Ok(strings)
}

/// A whole file's contents; `None` if there is none of that name.
fn read_file(cx: &mut CurrentThread, name: &[u8]) -> Result<Option<Vec<u8>>> {
    let file = match open_for_kernel(cx, name, O_RDONLY, 0) {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    // CAST: compared as u64 first.
    let bytes = file.inode().size_bytes().min(MAX_BYTES as u64) as usize;
    let mut contents = Vec::new();
    contents.try_reserve_exact(bytes)?;
    contents.resize(bytes, 0);
    let mut sink = Sink::Kernel(&mut contents);
    while sink.left() != 0 && file.read(cx, &mut sink)? != 0 {}
    let missing = sink.left();
    contents.truncate(bytes - missing);
    Ok(Some(contents))
}

/// A signal from the host: to the group in front of the terminal, else to the group of the program.
fn host_signal(cx: &mut CurrentThread, signal: u32) {
    let group = tty::console_terminal().map_or(0, |terminal| terminal.foreground(cx));
    let group = if group == 0 { FIRST_PROGRAM } else { group };
    // CAST: a signal's number; anything else is refused. A group that has gone gets nothing.
    let _ = signal::send_to_group(cx, group, Siginfo::kernel(signal as i32));
}
