//! `ochre profile`: a function that is made to take a known share is shown to take it, in the program and in the kernel.
//!
//! Time passes by instructions here (`--accel icount`), so that shares and costs do not depend on how busy the host is. The program is
//! `user/shares_test.c`, and for stacks without frame pointers `user/callers_test.c`.

use crate::guest::{Finished, Guest};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Samples a second; no period of the program or of the kernel is a multiple of it.
const RATE: &str = "7919";

/// Profiles `shares_test WHAT` and answers the run and the folded stacks.
fn folded(guest: &Guest, what: &str, options: &[&str]) -> (Finished, String) {
    let program = guest.user_program("shares_test");
    let file = guest.scratch("profile").join(format!("{what}.folded"));
    let name = file.display().to_string();
    let all = [&["--accel", "icount", "-o", &name], options].concat();
    let run = guest.observe("profile", &all, &[&program.display().to_string(), what]);
    run.exits(0);
    let text = std::fs::read_to_string(&file).expect("the profile was written");
    (run, text)
}

/// The samples of all stacks in which a frame's name holds `part`.
fn samples(folded: &str, part: &str) -> f64 {
    let holds =
        |line: &&str| line.rsplit_once(' ').is_some_and(|(stack, _)| stack.split(';').any(|f| f.contains(part)));
    let weight = |line: &str| line.rsplit_once(' ').and_then(|(_, weight)| weight.parse::<u32>().ok()).unwrap_or(0);
    folded.lines().filter(holds).map(|line| f64::from(weight(line))).sum()
}

/// Checks that `part` has this percentage of what both have, within two of a hundred.
fn has_share(folded: &str, part: &str, other: &str, percent: f64) {
    let (own, other_samples) = (samples(folded, part), samples(folded, other));
    let found = own * 100.0 / (own + other_samples);
    assert!(
        (found - percent).abs() <= 2.0,
        "{part}: {found:.2} of a hundred beside {other}, expected {percent}:\n{folded}"
    );
}

pub(crate) fn shares_are_true(guest: &Guest) {
    let (run, folded) = folded(guest, "all", &["--hz", RATE]);
    has_share(&folded, "half_one", "half_two", 50.0);
    has_share(&folded, "three_tenths", "seven_tenths", 30.0);
    // The program measured by the clock how long its calls took.
    let out = run.stdout();
    let thousandths = out.trim().strip_prefix("kernel ").and_then(|number| number.parse::<f64>().ok());
    has_share(&folded, "sys_read_[k]", "beside_the_kernel", thousandths.unwrap_or_else(|| panic!("{out:?}")) / 10.0);
    // Stacks whose frame pointers are none are told as far as they go: the function itself, and that something is missing, unless unwind tables
    // lead on.
    let corrupt: Vec<&str> = folded.lines().filter(|line| line.contains("with_frame_pointer")).collect();
    assert!(
        !corrupt.is_empty()
            && corrupt.iter().all(|line| line.contains(";[truncated];") || line.contains(";main;corrupt;")),
        "{folded}"
    );
    assert!(samples(&folded, "made while it ran") > 100.0, "the JIT's function has its name: {folded}");
    // Between main and it is one function, which is not seen while the innermost has no frame of its own.
    let has_caller = |line: &str| line.contains(";main;") && line.contains("half_one ");
    assert!(folded.lines().any(has_caller), "the callers are there: {folded}");
}

/// The profile of `callers_test WHAT`, whose functions have no frame pointers.
fn callers(guest: &Guest, what: &str, options: &[&str]) -> String {
    let program = guest.user_program("callers_test");
    let file = guest.scratch("profile").join("callers.folded");
    let name = file.display().to_string();
    let all = [&["--accel", "icount", "--memory", "64M", "--hz", RATE, "-o", &name], options].concat();
    guest.observe("profile", &all, &[&program.display().to_string(), what]).exits(0);
    String::from_utf8_lossy(&read(&file)).into_owned()
}

pub(crate) fn callers_are_found_without_frame_pointers(guest: &Guest) {
    let folded = callers(guest, "all", &["--call-graph", "dwarf"]);
    let main = "callers_test;_start;__libc_start_main;__libc_start_call_main;main;";
    let of = |start: &str, end: &str| -> f64 {
        let is_one = |line: &&str| {
            line.rsplit_once(' ').is_some_and(|(stack, _)| stack.starts_with(start) && stack.ends_with(end))
        };
        samples(&folded.lines().filter(is_one).collect::<Vec<_>>().join("\n"), "")
    };
    let shares = |start: &str| [";three_tenths;at_the_bottom", ";seven_tenths;at_the_bottom"].map(|end| of(start, end));
    let [three, seven] = shares(main);
    assert!((three * 100.0 / (three + seven) - 30.0).abs() <= 2.0, "{three} and {seven}:\n{folded}");
    let thread = if guest.arch == "x86_64" {
        "callers_test;__clone3;start_thread;"
    } else {
        "callers_test;thread_start;start_thread;"
    };
    let [three, seven] = shares(thread);
    assert!(three > 0.0 && seven > three, "in a thread: {folded}");
    let signal = if guest.arch == "x86_64" { "__restore_rt" } else { "__kernel_rt_sigreturn" };
    let deep = ";deep".repeat(21);
    for end in
        [";with_room;at_the_bottom", &format!(";{signal};handler;at_the_bottom"), &format!("main{deep};at_the_bottom")]
    {
        assert!(of(main, end) > 0.0, "no whole stack ends with {end}: {folded}");
    }
    let clock = |line: &str| line.starts_with(main) && line.contains(";clocks;") && line.contains("_clock_gettime");
    assert!(folded.lines().any(clock), "in the vDSO: {folded}");
    // A copy that ends too early is told, and what is told is right.
    let folded = callers(guest, "all", &["--call-graph", "dwarf,1024"]);
    assert!(folded.contains("callers_test;[truncated];deep;deep;"), "{folded}");
}

pub(crate) fn corrupt_stacks_do_no_harm(guest: &Guest) {
    for how in ["auto", "dwarf", "fp"] {
        let folded = callers(guest, "wild", &["--cpus", "2", "--call-graph", how]);
        assert!(samples(&folded, "with_registers") > 100.0, "{how}: {folded}");
    }
}

/// What stands where a JIT compiler's map would be may be anything: a pipe that nobody writes, a terminal. The run ends all the same.
pub(crate) fn a_map_that_is_no_file_is_left_alone(guest: &Guest) {
    let folded = guest.scratch("odd_maps").join("stacks.folded").display().to_string();
    for odd in ["mkfifo /tmp/perf-$$.map", "ln -s /dev/console /tmp/perf-$$.map", "mkdir /tmp/perf-$$.map"] {
        let script = format!("{odd}; i=0; while [ $i -lt 300 ]; do i=$((i+1)); done; exit 4");
        guest.observe("profile", &["-o", &folded], &["sh", "-c", &script]).exits(4);
    }
}

pub(crate) fn two_processes_have_half_each(guest: &Guest) {
    let (_, folded) = folded(guest, "pair", &["--hz", RATE, "--by", "process"]);
    let of = |pid: u32| {
        let lines: Vec<&str> = folded.lines().filter(|line| line.starts_with(&format!("shares_test {pid};"))).collect();
        samples(&lines.join("\n"), "of_the_pair")
    };
    let (parent, child) = (of(2), of(3));
    assert!((parent * 100.0 / (parent + child) - 50.0).abs() <= 2.0, "{parent} and {child}: {folded}");
}

pub(crate) fn sampling_costs_little(guest: &Guest) {
    let times = |out: &str| {
        let words: Vec<&str> = out.split_whitespace().collect();
        let ["loop", of_loop, "calls", calls] = words[..] else { panic!("{out:?}") };
        [of_loop, calls].map(|number| number.parse::<f64>().expect("nanoseconds"))
    };
    let program = guest.user_program("shares_test").display().to_string();
    let without = times(&guest.run(&["--accel", "icount"], &[&program, "measure"]).exits(0).stdout());
    let with = times(&folded(guest, "measure", &["--hz", "1000"]).0.stdout());
    for (what, without, with) in [("a loop", without[0], with[0]), ("calls", without[1], with[1])] {
        assert!(
            with <= without * 1.01,
            "{what}: {without} instructions without samples, {with} with a thousand a second"
        );
    }
}

pub(crate) fn formats_and_refusals(guest: &Guest) {
    let directory = guest.scratch("profile");
    let script =
        ["busybox", "sh", "-c", "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 0.02; echo out; exit 7"];
    let profile = |options: &[&str], status: i32| {
        let run = guest.observe("profile", &[&["--accel", "icount"], options].concat(), &script);
        run.exits(status);
        run
    };
    for (name, start, part) in [
        ("p.svg", &b"<?xml"[..], "busybox"),
        ("p.json", b"{\"$schema\"", "busybox"),
        ("p.txt", b"   self", "busybox"),
        ("p.pb.gz", b"\x1f\x8b", ""),
    ] {
        let file = directory.join(name);
        profile(&["-o", &file.display().to_string()], 7).prints("out\n").mentions("samples at 1000 a second");
        let bytes = read(&file);
        assert!(bytes.starts_with(start), "{name} begins with {:?}", &bytes[..bytes.len().min(20)]);
        assert!(part.is_empty() || String::from_utf8_lossy(&bytes).contains(part), "{name}");
    }
    profile(&[], 7).prints("out\n").mentions("   self   total    samples  function\n").mentions("[busybox]");
    profile(&["--off-cpu"], 7).mentions("ms off the CPU").mentions("sleep_for");
    profile(&["--hz", "0"], 2).mentions("from 1 to 10000 samples a second");
    profile(&["-o", "p.png"], 2).mentions("the name's end tells the format: .svg, .folded");
    profile(&["-o", "/nowhere/p.svg"], 2).mentions("cannot write /nowhere/p.svg");
}

/// Runs what `docs/observability.md` says, as it stands there, in a directory of its own.
pub(crate) fn recipes_run_as_written(guest: &Guest) {
    // They name no architecture.
    if guest.arch != std::env::consts::ARCH {
        return;
    }
    let page = guest.top().join("docs/observability.md");
    let text = String::from_utf8_lossy(&read(&page)).into_owned();
    let directory = guest.scratch("recipes");
    let ochre = guest.top().join(&guest.ochre).canonicalize().expect("the command is there");
    let launcher = directory.join("ochre");
    std::fs::write(&launcher, format!("#!/bin/sh\nexec {} \"$@\"\n", ochre.display())).expect("it can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&launcher, mode).expect("it can be made executable");
    let mut commands = 0;
    for block in text.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines().filter(|line| line.starts_with("./ochre ")) {
            let mut command = Command::new("sh");
            command.args(["-c", line]).current_dir(&directory).stdin(Stdio::null());
            let output = command.output().expect("a shell can be started");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{line}: {}\n{said}", output.status);
            commands += 1;
        }
    }
    assert!(commands >= 5, "{commands} recipes");
}

fn read(file: &PathBuf) -> Vec<u8> {
    std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
