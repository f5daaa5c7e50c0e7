//! What a program finds when it starts.

use crate::guest::Guest;
use std::time::SystemTime;

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

pub(crate) fn unknown_calls_are_reported(guest: &Guest) {
    let program = guest.user_program("suite/syscall_enosys");
    let run = guest.run(&[], &[&program.display().to_string()]);
    run.exits(0).prints("").mentions("system call");
}
