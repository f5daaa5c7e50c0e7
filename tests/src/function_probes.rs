//! Probes at the entries and returns of the kernel's functions, by `ochre trace 'fbt:…'`.

use crate::guest::Guest;
use crate::observe::trace;

/// The shell's script of the cases: dd's reads are as many system calls.
const WORK: &str = "dd if=/dev/zero of=/dev/null bs=1 count=5000 2> /dev/null; echo done";

pub(crate) fn every_call_is_told(guest: &Guest) {
    // The handler of a system call is called as often as the call is made; the same clause on another CPU count.
    let program =
        "syscall::read:entry, fbt:kernel:syscall::read_write::sys_read:entry, fbt::syscall::read_write::sys_read:return
        /execname == \"dd\"/ {
            @[probename, probeprov, probemod, probefunc] = count(); @first[probeprov] = min(timestamp);
        }";
    for cpus in ["1", "4"] {
        let (run, text) = trace(guest, &["--cpus", cpus], &[program], &["busybox", "sh", "-c", WORK]);
        run.exits(0).prints("done\n");
        let count = |start: &[&str]| {
            let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            lines.into_iter().find(|words| words.starts_with(start)).and_then(|words| words.last()?.parse::<u64>().ok())
        };
        let calls = count(&["entry", "syscall", "read"]);
        let entries = count(&["entry", "fbt", "kernel", "syscall::read_write::sys_read"]);
        let returns = count(&["return", "fbt", "kernel", "syscall::read_write::sys_read"]);
        assert!(calls.is_some_and(|calls| calls >= 5000), "{text}");
        assert!(calls == entries && calls == returns, "{calls:?} calls, {entries:?}, {returns:?}: {text}");
    }
    // Without actions each entry is a line.
    let program = "fbt::syscall::read_write::sys_read:entry /execname == \"dd\"/";
    let (run, text) = trace(guest, &[], &[program], &["busybox", "sh", "-c", WORK]);
    run.exits(0).prints("done\n");
    let told =
        |line: &&str| line.contains(" dd ") && line.contains(" fbt:kernel:syscall::read_write::sys_read:entry arg0=0x");
    assert!(
        text.lines().skip(1).filter(told).count() > 100 && text.lines().skip(1).all(|line| told(&line)),
        "{text:.500}"
    );
}

/// Entries and returns of hundreds of functions go by pairs, and the stack at each begins with the function and who called it.
pub(crate) fn entries_and_returns_are_pairs(guest: &Guest) {
    let script = "for i in 1 2 3 4 5 6; do (seq 1 200 | sort -rn | md5sum; ls -R /proc/self > /dev/null) & done; wait; echo done";
    // Counted are entries of which the return came, in the thread in which it was the innermost one of its function.
    let program = "fbt:kernel:fs::*: , fbt:kernel:mm::fault::*: { @[probefunc] = sum(probename == \"entry\" ? 1 : -1); @all[probename] = count(); }
        fbt::syscall::read_write::sys_read:entry { self->since = timestamp; }
        fbt::syscall::read_write::sys_read:return /self->since/ { @took = min(timestamp - self->since); self->since = 0; }
        fbt::syscall::read_write::sys_read: { @where[probename, stack(2)] = count(); }";
    for cpus in ["1", "4"] {
        let (run, text) = trace(guest, &["--cpus", cpus], &[program], &["busybox", "sh", "-c", script]);
        run.exits(0);
        let out = run.stdout();
        let sums: Vec<&str> = out.lines().collect();
        assert!(sums.len() == 7 && sums[..6].iter().all(|sum| *sum == sums[0] && sum.len() > 32), "{out}");
        let section =
            |name: &str| text.split(name).nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
        let last = |line: &str| line.split_whitespace().last().and_then(|count| count.parse::<i64>().ok());
        let all: Vec<i64> = section("@all\n").lines().filter_map(last).collect();
        assert!(all.len() == 2 && all.iter().all(|count| *count > 1000), "{text}");
        // Whoever is in a function when the probes come and go makes a difference of a few.
        let unlike: Vec<&str> = text
            .lines()
            .take_while(|line| !line.is_empty() && !line.starts_with('@'))
            .filter(|line| last(line).is_some_and(|sum| sum.abs() > 8))
            .collect();
        assert!(unlike.is_empty(), "{unlike:?} of {text}");
        assert!(section("@took\n").lines().filter_map(last).all(|least| least > 0), "{text}");
        let stacks = section("@where\n");
        let innermost = |line: &str| line.trim() == "kernel::syscall::read_write::sys_read";
        // Who called it has the dispatcher inlined, or not.
        let is_caller = |line: &str| {
            ["kernel::task::user_loop::", "kernel::syscall::dispatch::"]
                .iter()
                .any(|start| line.trim().starts_with(start))
        };
        let count = |is: &dyn Fn(&str) -> bool| stacks.lines().filter(|line| is(line)).count();
        let (own, callers) = (count(&innermost), count(&is_caller));
        assert!(own == 2 && callers == 2, "{text}");
    }
}

pub(crate) fn hundreds_at_once(guest: &Guest) {
    let script = "for i in 1 2 3 4 5 6; do (seq 1 200 | sort -rn | md5sum; ls -R /proc/self > /dev/null) & done; wait; echo done";
    let program =
        "fbt:kernel:fs::*:entry, fbt:modules::entry { @[probemod] = count(); @least[probemod] = min(arg0 != 0) }";
    let (run, text) = trace(guest, &["--cpus", "4"], &[program], &["busybox", "sh", "-c", script]);
    run.exits(0);
    let out = run.stdout();
    let sums: Vec<&str> = out.lines().collect();
    assert!(sums.len() == 7 && sums[6] == "done", "{out}");
    assert!(sums[..6].iter().all(|sum| *sum == sums[0] && sum.len() > 32), "the program's own work is the same: {out}");
    let count = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().parse::<u64>().ok());
    assert!(count("kernel ").is_some_and(|count| count > 1000), "{text}");
    assert!(count("modules ").is_some(), "{text}");
    // Some of so many cannot have one.
    assert!(run.stderr().contains("functions have no probe"), "{}", run.stderr());
}

pub(crate) fn what_has_no_probe_is_told(guest: &Guest) {
    for (program, message) in [
        ("fbt::no::such:entry", "no function of the kernel that can have probes is called so"),
        ("fbt::trace::*:entry", "no function of the kernel that can have probes is called so"),
        ("fbt:machine::entry", "no function of the kernel that can have probes is called so"),
        ("fbt:::entry", "and 1024 can have probes"),
    ] {
        let run = guest.observe("trace", &[program], &["busybox", "true"]);
        run.exits(2).prints("");
        assert!(run.stderr().contains(message) && run.stderr().lines().any(|line| line == "  ^"), "{}", run.stderr());
    }
}
