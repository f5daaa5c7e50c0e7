//! Exit statuses: the program's own, those of signals, and those of everything that cannot run.

use crate::guest::{Guest, noise};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn exit_status_is_the_programs(guest: &Guest) {
    for status in [0, 1, 42, 255] {
        guest.shell(&format!("exit {status}")).exits(status).prints("").says("");
    }
}

pub(crate) fn signals_are_128_and_more(guest: &Guest) {
    for (signal, status) in [("KILL", 137), ("SEGV", 139), ("USR1", 138), ("ABRT", 134)] {
        guest.shell(&format!("kill -{signal} $$")).exits(status).prints("");
    }
}

/// Init is the kernel's own: no signal does anything to it.
pub(crate) fn init_cannot_be_killed(guest: &Guest) {
    let script = "for s in KILL STOP TERM SEGV HUP; do kill -$s 1 || echo $s; done; cat /proc/1/comm; echo alive";
    guest.run(&[], &["sh", "-c", script]).exits(0).prints("init\nalive\n").says("");
}

pub(crate) fn what_cannot_run_is_told(guest: &Guest) {
    guest.run(&[], &["nosuchprogram"]).exits(127).mentions("nosuchprogram is not a program of the root");
    guest.run(&[], &["/etc/passwd"]).exits(126).mentions("no execute permission");
    guest.run(&["--workdir", "/nosuch"], &["/bin/true"]).exits(127);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script = directory.path().join("script");
    write_program(&script, b"#!/no/such/interpreter\n");
    guest.run(&[], &[&script.display().to_string()]).exits(127);
    let cut = directory.path().join("cut");
    write_program(&cut, &std::fs::read(guest.user_program("uname_test")).expect("a test program")[..200]);
    guest.run(&[], &[&cut.display().to_string()]).exits(126).mentions("not a sound program");
}

pub(crate) fn bad_usage_is_told(guest: &Guest) {
    for (command, options, message) in [
        ("strace", &["--sumary-only"][..], "there is no option --sumary-only"),
        ("run", &["--rot=/etc"], "there is no option --rot=/etc"),
        ("run", &["--metrics", "/nowhere/metrics"], "cannot write /nowhere/metrics: No such file or directory"),
        ("trace", &["-o", "/nowhere/trace", "proc:::"], "cannot write /nowhere/trace: No such file or directory"),
        ("strace", &["-o", "/nowhere/calls"], "cannot be written: No such file or directory"),
    ] {
        guest.observe(command, options, &["busybox", "echo", "out"]).exits(2).prints("").mentions(message);
    }
}

/// What the tool says itself may find no reader, as in `ochre strace … 2>&1 | head -n 1`.
pub(crate) fn readers_may_go(guest: &Guest) {
    let gone = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer
    };
    let status = |name: &str, options: &[&str], program: &[&str]| {
        let mut command = guest.command_of(name, options, program);
        command.stdout(gone()).stderr(gone()).status().expect("ochre can be started").code()
    };
    assert_eq!(status("run", &[], &["nosuchprogram"]), Some(127));
    assert_eq!(status("top", &["-d", "50"], &["busybox", "sh", "-c", "sleep 0.3; exit 3"]), Some(3));
    assert_eq!(status("profile", &[], &["busybox", "sh", "-c", "exit 4"]), Some(4));
}

/// ELF files with damaged headers: each is refused, dies, or runs on senselessly until it is killed, and the
/// kernel lives to tell.
pub(crate) fn hostile_programs_do_no_harm(guest: &Guest) {
    let sound = std::fs::read(guest.user_program("uname_test")).expect("a test program");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut script =
        String::from("cd /hostile; for f in *; do timeout -s KILL 3 ./$f >/dev/null 2>&1; done; echo alive");
    for number in 0..200u64 {
        let mut damaged = sound.clone();
        let random = noise(number + 100, 64);
        for pair in random.chunks_exact(2).take(1 + number as usize % 8) {
            // Within the header and the program headers, leaving the magic number alone.
            let place = 5 + usize::from(pair[0]) * 2;
            damaged[place] = pair[1];
        }
        damaged.truncate(if number % 5 == 0 { 64 + usize::from(random[40]) * 64 } else { damaged.len() });
        write_program(&directory.path().join(format!("p{number}")), &damaged);
    }
    script.push('\n');
    let add = format!("{}:/hostile", directory.path().display());
    guest.run(&["--add", &add, "--memory", "1G"], &["sh", "-c", &script]).exits(0).prints("alive\n");
}

pub(crate) fn timeout_ends_a_run(guest: &Guest) {
    let start = Instant::now();
    guest.run(&["--timeout", "3s"], &["sleep", "1000"]).exits(124).mentions("--timeout");
    assert!(start.elapsed() < Duration::from_secs(30));
}

fn write_program(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("a mode");
}
