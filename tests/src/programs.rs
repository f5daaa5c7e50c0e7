//! What a program finds when it starts.

use crate::guest::Guest;
use std::time::SystemTime;

/// Bytes of a page.
const PAGE: u64 = 4096;

pub(crate) fn a_host_program_is_run(guest: &Guest) {
    let program = guest.user_program("uname_test");
    guest.run(&[], &[&program.display().to_string()]).exits(0).prints("").says("");
}

pub(crate) fn environment_and_workdir_are_set(guest: &Guest) {
    let script = "pwd; echo $A $HOME; echo \"$0 $1\"";
    let options = ["--env", "A=one two", "--env", "HOME=/tmp", "--workdir", "/etc"];
    guest
        .run(&options, &["sh", "-c", script, "zero", "a  b"])
        .exits(0)
        .prints("/etc\none two /tmp\nzero a  b\n")
        .says("");
}

pub(crate) fn the_clock_is_right(guest: &Guest) {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs();
    let before = now();
    let run = guest.run(&[], &["date", "+%s"]);
    run.exits(0);
    let seen: u64 = run.stdout().trim().parse().expect("a number");
    assert!((before..=now() + 1).contains(&seen), "{seen} is not between {before} and {}", now());
}

/// Not among the programs that run on the host too: it would set the host's clock.
pub(crate) fn the_clock_can_be_set(guest: &Guest) {
    let program = guest.user_program("clock_set_test").display().to_string();
    guest.run(&["--cpus", "2"], &[&program, "set"]).exits(0).prints("").says("");
}

/// Programs ask the kernel for the time where they find no shared page to ask.
pub(crate) fn clocks_work_without_a_vdso(guest: &Guest) {
    // AT_SYSINFO_EHDR is number 33.
    let told = ["sh", "-c", "od -A n -v -t x8 /proc/self/auxv | grep -c '^ *0000000000000021 '"];
    guest.run(&[], &told).exits(0).prints("1\n");
    guest.run(&["--append", "ochre.vdso=off"], &told).exits(1).prints("0\n");
    for name in ["clock_test", "suite/clock_gettime_test", "signal_restart_test"] {
        let program = guest.user_program(name).display().to_string();
        guest.run(&["--append", "ochre.vdso=off", "--cpus", "2"], &[&program]).exits(0).prints("").says("");
    }
}

pub(crate) fn unknown_calls_are_reported(guest: &Guest) {
    let program = guest.user_program("suite/syscall_enosys");
    let run = guest.run(&[], &[&program.display().to_string()]);
    run.exits(0).prints("").mentions("system call");
}

/// A program of 24 MiB, of which a little runs: what of it is read is told by a counter.
pub(crate) fn a_large_program_is_hardly_read(guest: &Guest) {
    let directory = guest.scratch("large");
    let program = directory.join("large");
    // What follows the last section is no segment, but it is of the file.
    let mut bytes = std::fs::read(guest.busybox()).expect("BusyBox can be read");
    bytes.resize(24 << 20, 0x5a);
    std::fs::write(&program, &bytes).expect("the cache can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("it is ours");
    let add = format!("{}:/large/busybox", program.display());
    let script = "count() { sed -n 's/^page_read_in \\([0-9]*\\).*/\\1/p' /proc/trace/counters; }
        count; /large/busybox true && count; /large/busybox true && count";
    let run = guest.run(&["--add", &add], &["busybox", "sh", "-c", script]);
    let said = run.exits(0).stdout();
    let counts: Vec<u64> = said.lines().map(|line| line.parse().expect("a number")).collect();
    let [before, once, twice] = counts[..] else { panic!("three numbers, not {said:?}") };
    assert!((once - before) * PAGE < bytes.len() as u64 / 20, "{} pages were read", once - before);
    assert_eq!(twice, once, "nothing is read a second time");
}

/// The root's files are mapped where the loader put them, until somebody writes.
pub(crate) fn files_of_the_root_can_be_changed_where_mapped(guest: &Guest) {
    let file = guest.scratch("mapped").join("file");
    std::fs::write(&file, crate::guest::noise(7, 5 * PAGE as usize)).expect("the cache can be written");
    let program = guest.user_program("mapped_write_test");
    let options = ["--cpus", "2", "--add", &format!("{}:/file", file.display())];
    guest.run(&options, &[&program.display().to_string(), "/file"]).exits(0).prints("").says("");
}
