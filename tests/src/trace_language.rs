//! `ochre trace`: stacks, texts from memory, the profile probe, and aggregations that are handled while the program runs. The program that is
//! watched is `user/shares_test.c`.

use crate::guest::{Finished, Guest};

/// `ochre trace OPTIONS -o FILE PROGRAM -- shares_test ARGUMENTS`, and what stands in the file.
fn trace(guest: &Guest, options: &[&str], clauses: &str, arguments: &[&str]) -> (Finished, String) {
    let file = guest.scratch("trace_language").join("trace");
    let file_name = file.display().to_string();
    let program = guest.user_program("shares_test").display().to_string();
    let options = [options, &["-o", &file_name, clauses]].concat();
    let run = guest.observe("trace", &options, &[&[program.as_str()], arguments].concat());
    run.exits(0);
    assert!(!run.stderr().contains("lost: "), "{}", run.stderr());
    let text = std::fs::read_to_string(&file).expect("the trace is text");
    (run, text)
}

/// The numbers of the lines that end with `what`, in order.
fn numbers(text: &str, what: &str) -> Vec<u64> {
    text.lines().filter_map(|line| line.strip_suffix(what)?.trim().parse().ok()).collect()
}

pub(crate) fn stacks_and_texts_are_told(guest: &Guest) {
    let clauses = "syscall::openat:entry /execname == \"shares_test\"/ { self->path = arg1; this->is_entry = 1; }
        syscall::openat:entry /this->is_entry/ { @entries = count(); }
        syscall::openat:return /self->path && str(self->path, 32) == \"/dev/zero\"/ {
            printf(\"%s opened %s as %s\\n\", execname, copyinstr(self->path, 4), copyinstr(self->path));
            @opened[str(self->path), \"a text\", 7] = count();
            if (str(8) == \"\") @absent = count(); else printf(\"nothing: %s\\n\", str(8));
            self->path = 0;
        }
        syscall::read:entry /execname == \"shares_test\"/ { @reads[ustack(), stack(1)] = count(); }
        syscall::close:entry /execname == \"shares_test\"/ { ustack(1); stack(); }
        vminfo:::* { @faults[execname] = count(); @where[ustack(5), stack()] = count(); }";
    let (_, text) = trace(guest, &["--cpus", "2"], clauses, &[]);
    assert!(text.contains("shares_test opened /dev... as /dev/zero\n"), "{text}");
    assert!(text.contains("nothing: (not present)\n"), "{text}");
    let opened = text.split("@opened\n").nth(1).unwrap_or_else(|| panic!("{text}"));
    let words: Vec<&str> = opened.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(words, ["/dev/zero", "a", "text", "7", "1"], "{text}");
    // All ten reads come from one place.
    let reads = text.split("@reads\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    assert!(reads.contains("shares_test`main\n") && reads.contains("kernel::task::user_loop::run\n"), "{text}");
    assert_eq!(numbers(reads, ""), [10], "{text}");
    // A stack stands under its event.
    let event = text.lines().position(|line| line.contains(" shares_test ") && line.contains(" syscall::close:entry "));
    let below: Vec<&str> = text.lines().skip(event.expect("an event")).skip(1).take(3).map(str::trim).collect();
    assert!(below[0].starts_with("shares_test`") && below[1].starts_with("kernel::"), "{below:?}");
    assert!(!text.contains("kernel::trace::") && !text.contains("machine::trace::"), "tracing shows itself: {text}");
}

pub(crate) fn switches_and_locks_take_their_time(guest: &Guest) {
    let clauses = "sched:::off_cpu { self->left = timestamp; }
        sched:::on_cpu /self->left/ { @away[execname] = max(timestamp - self->left); self->left = 0; }
        syscall::nanosleep:entry, syscall::clock_nanosleep:entry { self->slept = timestamp; }
        syscall::nanosleep:return, syscall::clock_nanosleep:return /self->slept/ {
            @slept[execname] = max(timestamp - self->slept);
        }
        lock:::held { @held[rank] = max(held_ns); @all = count(); }";
    let file = guest.scratch("trace_language").join("switches");
    let options = ["--cpus", "2", "-o", &file.display().to_string(), clauses];
    let run = guest.observe("trace", &options, &["busybox", "sh", "-c", "sleep 0.3; ls -R /bin | tail -1"]);
    run.exits(0);
    let text = std::fs::read_to_string(&file).expect("the trace is text");
    let table = |name: &str| text.split(&format!("@{name}\n")).nth(1).and_then(|rest| rest.split("\n\n").next());
    let of_sleep = |name: &str| {
        let lines = table(name).unwrap_or_default().lines();
        let value = lines.filter_map(|line| line.trim().strip_prefix("sleep ")).next();
        value.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or_else(|| panic!("no {name} of sleep: {text}"))
    };
    // The thread that comes is the one that was away: it was as long as it slept, and not longer.
    let (away, slept) = (of_sleep("away"), of_sleep("slept"));
    assert!((300_000_000..=slept).contains(&away), "{away} of {slept}: {text}");
    let held: Vec<u64> = table("held")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_whitespace().last()?.parse().ok())
        .collect();
    assert!(held.len() > 5, "{text}");
    assert!(held.iter().any(|held_ns| *held_ns > 0), "{text}");
}

pub(crate) fn aggregations_are_handled_while_the_program_runs(guest: &Guest) {
    let clauses =
        "profile-997hz /execname == \"shares_test\"/ { @hot[ustack(1)] = count(); @new = count(); @all = count(); }
        tick-20ms { printa(\"%@d new\\n\", @new); clear(@new); }
        END { printa(\"%@d new\\n\", @new); printa(\"%@d in all\\n\", @all); trunc(@hot, 1); normalize(@hot, 1); }";
    let (_, text) = trace(guest, &["--cpus", "2"], clauses, &["pair"]);
    let (parts, all) = (numbers(&text, " new"), numbers(&text, " in all"));
    assert!(!all.is_empty() && parts.iter().sum::<u64>() == all[0], "nothing is lost or told twice: {text}");
    let hot = text.split("@hot\n").nth(1).unwrap_or_else(|| panic!("{text}"));
    let lines: Vec<&str> = hot.lines().map(str::trim).collect();
    assert_eq!((lines[0], lines.len()), ("shares_test`of_the_pair", 2), "{text}");
    assert!(!text.contains("@all\n"), "what printa showed is not shown again: {text}");
}

/// Ticks are fired by a thread of the kernel, which has no memory of its own, whatever program's happens to be there.
pub(crate) fn ticks_see_no_program(guest: &Guest) {
    let clauses = "tick-20ms { @[copyinstr(4198400), str(4198400, 8), execname, pid] = count(); ustack(); @stacks[ustack()] = count(); }
        syscall:::entry { calls++; } tick-20ms /calls/ { @seen = count(); }";
    let (_, text) = trace(guest, &["--cpus", "2"], clauses, &["pair"]);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("(not present)")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    let words: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(words[..6], ["(not", "present)", "(not", "present)", "kernel", "0"], "{text}");
    assert!(words[6].parse::<u64>().is_ok_and(|count| count > 0) && text.contains("@seen\n"), "{text}");
}

pub(crate) fn a_reader_that_stops_does_not_stop_printa(guest: &Guest) {
    // Thousands of keys every few milliseconds, into a pipe that nobody reads until the program has ended.
    let clauses = "syscall:::entry { @[timestamp] = count(); @calls = count(); } tick-20ms { printa(@); clear(@); }";
    let script = "dd if=/dev/zero of=/dev/null bs=1 count=60000 2> /dev/null; echo done";
    let mut child = guest
        .command_of("trace", &["--cpus", "2", clauses], &["busybox", "sh", "-c", script])
        .spawn()
        .expect("ochre can be started");
    let mut out = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut out).expect("text");
    assert_eq!(out, "done\n");
    let mut err = Vec::new();
    std::io::Read::read_to_end(&mut child.stderr.take().expect("a pipe"), &mut err).expect("bytes");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let err = String::from_utf8_lossy(&err);
    assert!(err.lines().count() > 5000, "{err:.300}");
    // What had no place in the table was told, and what is counted at one place is exact.
    let calls = err.split("@calls\n").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    assert!(calls.is_some_and(|calls| calls > 120_000), "{calls:?}");
}

pub(crate) fn stacks_become_flame_graphs(guest: &Guest) {
    let directory = guest.scratch("trace_stacks");
    let program = guest.user_program("shares_test").display().to_string();
    let file = directory.join("calls.folded");
    let name = file.display().to_string();
    let clauses = "syscall:::entry /execname == \"shares_test\"/ { @[execname, ustack(), stack(1)] = count(); }";
    guest.observe("trace", &["-o", &name, clauses], &[&program]).exits(0).prints("");
    let folded = std::fs::read_to_string(&file).expect("it was written");
    let has_line = |line: &str| {
        line.starts_with("shares_test;") && line.contains(";main;") && line.contains("_[k] ") && line.ends_with(" 10")
    };
    assert!(folded.lines().any(has_line), "{folded}");
    let refused = guest.observe("trace", &["-o", &name, "syscall:::entry { @ = count(); }"], &[&program]);
    refused.exits(2);
    assert!(refused.stderr().contains("has a stack in its key"), "{}", refused.stderr());
}

pub(crate) fn every_probe_can_take_stacks_and_texts(guest: &Guest) {
    // Probes that stand in the faults, the locks and the switches that walking and reading might cause; and a program that traces the tracer.
    let clauses = "*:::* { @[probeprov, ustack(), stack()] = count(); ustack(9); }
        syscall:::*, vminfo:::fault_entry { @texts[str(arg0), copyinstr(arg1)] = count(); }
        profile-4999 { @[probeprov, ustack(), stack()] = count(); @pc[arg0, arg1] = count(); }
        tick-50 { printa(@); trunc(@); printa(@texts); clear(@texts); }";
    let script = "cd /proc/trace; echo 100 > profile 2> /dev/null || echo busy; echo 0 > profile 2> /dev/null || echo busy
        echo 1 > enable; for i in 1 2 3; do cat buffer metrics | tail -n 1 > /dev/null; done; (ls -R /bin | sort | tail -n 1) > /dev/null
        echo 0 > enable; echo done";
    let run = guest.observe("trace", &["--cpus", "2", "-o", "/dev/null", clauses], &["busybox", "sh", "-c", script]);
    run.exits(0).prints("busy\nbusy\ndone\n");
}
