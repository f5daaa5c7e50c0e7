//! The commands that watch a run: what they tell, and that the program does not notice them.

use crate::guest::{Finished, Guest};
use std::path::PathBuf;

/// `ochre trace OPTIONS -o FILE PROBES… -- PROGRAM…`; and what stands in the file afterwards.
fn trace(guest: &Guest, options: &[&str], probes: &[&str], program: &[&str]) -> (Finished, String) {
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

pub(crate) fn unknown_probes_are_told(guest: &Guest) {
    let (run, _) = trace(guest, &[], &["nosuch:::probe"], &["busybox", "true"]);
    run.exits(0);
    assert!(run.stderr().contains("no probe is called nosuch:::probe"), "{}", run.stderr());
}
