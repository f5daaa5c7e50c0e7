//! The commands that watch a run: what they tell, and that the program does not notice them.

use crate::guest::{Finished, Guest};
use std::path::PathBuf;

/// `ochre trace OPTIONS -o FILE PROBES… -- PROGRAM…`; and what stands in the file afterwards.
pub(crate) fn trace(guest: &Guest, options: &[&str], probes: &[&str], program: &[&str]) -> (Finished, String) {
    let file: PathBuf = guest.scratch("observe").join("trace");
    let file_name = file.display().to_string();
    let options = [options, &["-o", &file_name], probes].concat();
    let run = guest.observe("trace", &options, program);
    let text = std::fs::read_to_string(&file).expect("the trace is text");
    (run, text)
}

/// How many things were lost, as the tool told.
fn lost(run: &Finished) -> usize {
    let stderr = run.stderr();
    let told = stderr.lines().find_map(|line| line.strip_prefix("ochre: lost: "));
    told.map_or(0, |told| told.split(' ').next().and_then(|count| count.parse().ok()).expect("a number"))
}

pub(crate) fn records_leave_the_guest(guest: &Guest) {
    let script = "dd if=/dev/zero of=/dev/null bs=1 count=10000 2> /dev/null; echo done; exit 7";
    let (run, text) =
        trace(guest, &["--cpus", "2"], &["syscall:::return", "proc:::*"], &["busybox", "sh", "-c", script]);
    run.exits(7).prints("done\n");
    let mut lines = text.lines();
    assert!(lines.next().is_some_and(|heading| heading.contains("SECONDS")), "{text:.200}");
    let mut last = 0.0;
    let mut reads = 0;
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let time: f64 = words[0].parse().unwrap_or_else(|_| panic!("no time: {line}"));
        assert!(time >= last, "out of order: {line}");
        last = time;
        reads += usize::from(words[3..].starts_with(&["dd", "syscall::read:return", "number=0", "result=1"]));
        reads += usize::from(words[3..].starts_with(&["dd", "syscall::read:return", "number=63", "result=1"]));
    }
    let lost = lost(&run);
    assert!(reads <= 10_000 && reads + lost >= 10_000, "{reads} reads of 10000, {lost} lost");
    assert!(text.contains("proc:::exit"), "no end of a task");
}

/// The shell's script of the cases below: dd's reads are known.
const WORK: &str = "dd if=/dev/zero of=/dev/null bs=1 count=10000 2> /dev/null; echo done";

pub(crate) fn programs_count_exactly(guest: &Guest) {
    let program = "syscall:::entry /execname == \"dd\"/ { @[probefunc] = count(); }
        syscall::read:entry /execname == \"dd\"/ { self->t = timestamp; }
        syscall::read:return /self->t/ {
            @time = quantize(timestamp - self->t); @sum[execname, cpu >= 0] = sum(result > 0); self->t = 0; reads++;
        }
        END { printf(\"%s: %d reads by %d%%\\n\", probename, reads > 9999, 100); }";
    let (run, text) = trace(guest, &["--cpus", "2"], &[program], &["busybox", "sh", "-c", WORK]);
    run.exits(0).prints("done\n");
    assert_eq!(lost(&run), 0, "nothing is lost of what is counted in the guest: {}", run.stderr());
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let count = |name: &str| {
        lines.iter().find(|words| words.first() == Some(&name)).and_then(|words| words.last()?.parse().ok())
    };
    let reads: Option<u64> = count("read");
    // Besides the blocks, dd may read while it starts.
    assert!(reads.is_some_and(|reads| (10_000..10_010).contains(&reads)), "{text}");
    assert_eq!(count("dd"), Some(10_000), "{text}");
    let of_distribution =
        |words: &&Vec<&str>| words.len() >= 3 && words[1].starts_with('|') && words[0].parse::<u64>().is_ok();
    let in_buckets: u64 =
        lines.iter().filter(of_distribution).filter_map(|words| words.last()?.parse::<u64>().ok()).sum();
    assert_eq!(Some(in_buckets), reads, "{text}");
    assert!(text.contains("END: 1 reads by 100%"), "{text}");
}

pub(crate) fn bad_programs_are_refused(guest: &Guest) {
    // Before anything boots, and once the probes are known.
    for (program, message, mark) in [
        ("syscall:::entry { @ = count( }", "a value is missing here", "                               ^"),
        ("nosuch:::probe", "no probe is called nosuch:::probe", "  ^"),
        ("syscall:::entry /nosuch/ { }", "there is no variable called nosuch", "                   ^"),
    ] {
        let run = guest.observe("trace", &[program], &["busybox", "true"]);
        run.exits(2).prints("");
        assert!(run.stderr().contains(message) && run.stderr().lines().any(|line| line == mark), "{}", run.stderr());
    }
}

pub(crate) fn programs_end_runs(guest: &Guest) {
    let script = "while :; do busybox true; done";
    let program = "proc:::exec { started++; } tick-100ms /started > 3/ { printf(\"enough\\n\"); exit(9); }";
    let (run, text) = trace(guest, &[], &[program], &["busybox", "sh", "-c", script]);
    run.exits(9);
    assert!(text.starts_with("enough\n"), "{text}");
}

pub(crate) fn two_consumers_do_not_disturb_each_other(guest: &Guest) {
    // The guest reads and switches by /proc what the tool follows by the channel.
    let script = "cd /proc/trace; echo 'sched:::*' > enable; for i in 1 2 3 4 5; do cat buffer > /dev/null; echo > buffer; done
        dd if=/dev/zero of=/dev/null bs=1 count=5000 2> /dev/null; echo 0 > enable; grep -c ' 1$' enable; grep -c : buffer";
    let program = "syscall:::entry /execname == \"dd\"/ { @[probefunc] = count(); }";
    let (run, text) = trace(guest, &["--cpus", "2"], &[program], &["busybox", "sh", "-c", script]);
    run.exits(0);
    let out = run.stdout();
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("0"), "what was switched off is off: {out}");
    assert!(lines.next().and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count > 10), "{out}");
    let reads = text.lines().find_map(|line| line.trim().strip_prefix("read "));
    assert!(reads.is_some_and(|reads| reads.trim().parse::<u64>().is_ok_and(|reads| reads >= 5000)), "{text:.300}");
}

pub(crate) fn a_reader_that_stops_does_not_stop_the_guest(guest: &Guest) {
    // The trace goes into a pipe that nobody reads until the program has ended; the program's own output is not held up.
    let script = "dd if=/dev/zero of=/dev/null bs=1 count=60000 2> /dev/null; echo done";
    let mut child = guest
        .command_of("trace", &["syscall:::*"], &["busybox", "sh", "-c", script])
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
    assert!(err.lines().count() > 1000, "{err:.300}");
}

pub(crate) fn what_does_not_end_is_told_all_the_same(guest: &Guest) {
    // What is counted in the guest, what happens at the end, and what the profiler counts: told although the machine is ended from outside.
    let program = "syscall::write:entry { @[execname] = count(); } END { printf(\"the %s\\n\", probename); }";
    for (name, options, wanted) in [
        ("trace", &[program][..], &["the END\n", "  busybox "][..]),
        ("profile", &["--hz", "500"], &["[busybox]", " in the program, "]),
    ] {
        let script = "trap '' TERM; echo up; while :; do echo > /dev/null; done";
        let mut child = guest.command_of(name, options, &["busybox", "sh", "-c", script]).spawn().expect("ochre");
        let mut up = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut up).expect("the program is up");
        let ochre = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(ochre, rustix::process::Signal::TERM).expect("it runs");
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(128 + 15), "{told}");
        for wanted in wanted {
            assert!(told.contains(wanted), "{name}: no {wanted:?}: {told}");
        }
        assert!(!told.contains("before everything") && !told.contains("cut short"), "{name}: {told}");
    }
}
