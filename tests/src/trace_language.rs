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
