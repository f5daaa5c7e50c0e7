//! `ochre strace`: calls look as strace's users know them, children are followed, calls are chosen and counted.

use crate::guest::Guest;

/// What strace 6.1 of Debian 12 shows of `user/shown_calls_test.c`, static, on Linux 6.x for x86-64:
/// `strace -o FILE ./shown_calls_test; sed -n '/^close(1001)/,/^close(1002)/p' FILE`.
const EXPECTED: &str = include_str!("../expected/strace.txt");

pub(crate) fn calls_are_shown_as_by_strace(guest: &Guest) {
    let program = guest.user_program("shown_calls_test").display().to_string();
    let run = guest.observe("strace", &[], &[&program]);
    let text = run.exits(0).stderr();
    let found: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("close(1001)"))
        .take_while(|line| !line.starts_with("chdir(\"/\")"))
        .collect();
    for (found, expected) in found.iter().zip(EXPECTED.lines()) {
        assert_eq!(*found, expected);
    }
    assert_eq!(found.len(), EXPECTED.lines().count(), "{text}");
    assert!(text.starts_with("execve(\"/bin/shown_calls_test\", ["), "{text}");
    assert!(text.ends_with("+++ exited with 0 +++\n"), "{text}");
}

pub(crate) fn children_are_followed(guest: &Guest) {
    let script = "trap 'echo caught' USR1; kill -USR1 $$; (exit 3); false | cat; exit 5";
    let run = guest.observe("strace", &[], &["busybox", "sh", "-c", script]);
    run.exits(5).prints("caught\n");
    for wanted in [
        "strace: Process 3 attached\n",
        "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=2, si_uid=0} ---\n",
        "rt_sigreturn({mask=[]})",
        "[pid     3] +++ exited with 3 +++\n",
        "[{WIFEXITED(s) && WEXITSTATUS(s) == 3}]",
        "pipe2([3, 4], 0)                        = 0\n",
        "+++ exited with 5 +++\n",
    ] {
        // The library of one architecture has a call of its own for it.
        let other = wanted.replace("pipe2([3, 4], 0)  ", "pipe([3, 4])      ");
        let text = run.stderr();
        assert!(text.contains(wanted) || text.contains(&other), "no {wanted:?}: {text}");
    }
}

pub(crate) fn calls_are_chosen_and_counted(guest: &Guest) {
    let directory = guest.scratch("strace");
    let file = directory.join("calls").display().to_string();
    let _ = std::fs::remove_file(&file);
    let run = guest.observe(
        "strace",
        &["-e", "trace=chdir,%network", "-T", "-o", &file],
        &["sh", "-c", "cd /nowhere; cd /tmp"],
    );
    run.exits(0);
    assert!(!run.stderr().contains("chdir"), "{}", run.stderr());
    let text = std::fs::read_to_string(&file).expect("a file of calls");
    let lines: Vec<&str> = text.lines().collect();
    let [failed, done, end] = lines[..] else { panic!("{text}") };
    assert!(
        failed.starts_with("2     chdir(\"/nowhere\")                 = -1 ENOENT (No such file or directory) <"),
        "{text}"
    );
    assert!(done.starts_with("2     chdir(\"/tmp\")                     = 0 <0."), "{text}");
    assert_eq!(end, "2     +++ exited with 0 +++");

    let run = guest.observe("strace", &["-c"], &["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=500"]);
    let table = run.exits(0).stderr();
    let row = |name: &str| table.lines().find(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{table}"));
    let calls = |name| row(name).split_whitespace().nth(3).and_then(|word| word.parse().ok()).unwrap_or(0);
    assert!((500..520).contains(&calls(" read")) && (500..520).contains(&calls(" write")), "{table}");
    assert!(row(" total").starts_with("100.00 "), "{table}");
}

pub(crate) fn descriptors_have_names(guest: &Guest) {
    let script =
        "cd /tmp; exec 3</etc/passwd; read line <&3; exec 4>gone; rm gone; echo x >&4; echo y | cat; exec 9<&-";
    let run = guest.observe("strace", &["-y"], &["busybox", "sh", "-c", script]);
    let text = run.exits(0).stderr();
    for wanted in [
        "openat(AT_FDCWD</tmp>, \"/etc/passwd\", O_RDONLY",
        ") = 3</etc/passwd>\n",
        ") = 4</tmp/gone>\n",
        "write(1</tmp/gone>(deleted), \"x\\n\", 2)",
        "<pipe:[",
        "write(1<pipe:[",
        "close(9) ",
    ] {
        assert!(text.contains(wanted), "no {wanted:?}: {text}");
    }
}

pub(crate) fn what_was_missing_is_told(guest: &Guest) {
    let run = guest.observe("strace", &["-e", "pivot_root"], &["busybox", "pivot_root", "/", "/tmp"]);
    assert_ne!(run.output.status.code(), Some(0));
    run.mentions("ochre: before it failed: pivot_root(").mentions(") = -1 ENOSYS (Function not implemented)");
    guest.observe("strace", &["-e", "trace=nosuch"], &["true"]).exits(2).mentions("nosuch");
}
