//! What goes wrong around a program: a failing kernel, damaged roots, a machine that is taken away. Each ends with its documented
//! status and one sentence, and a kernel's last words are shown.

use crate::guest::{Guest, noise};
use std::fs;
use std::process::Command;
use std::time::Duration;

pub(crate) fn a_failing_kernel_tells_all(guest: &Guest) {
    let provoke = |kind: &str| {
        // Two CPUs for what fails on two.
        let append = format!("ochre.provoke={kind}");
        let finished = guest.run(&["--cpus", "2", "--append", &append], &["sleep", "1000"]);
        finished.exits(125).prints("").mentions("ochre: the kernel failed");
        // Nobody switched a probe on: the last switches and what each thread does are told all the same.
        let parts = ["*** kernel ", "\nthread ", "\nbacktrace:", "\nthreads:", "\"main\" on CPU ", "\nlast events:"];
        let mut told = finished.stderr();
        for part in parts.into_iter().chain([" us ago: thread ", "\nsched_switch ", "\n*** end"]) {
            let after = told.split_once(part).map(|(_, after)| after.to_string());
            told = after.unwrap_or_else(|| panic!("{kind}: no {part:?} there: {}", finished.stderr()));
        }
        assert!(!told.contains("***"), "{kind}: told more than once: {}", finished.stderr());
        finished
    };
    provoke("panic").mentions("provoked").mentions("\"main\"\npreemption").mentions("machine::provoke::");
    provoke("fault").mentions("address 0xffffbffffffff000");
    provoke("stack").mentions("the kernel stack has overflowed");
    provoke("nested").mentions("provoked with a lock held");
    provoke("log").mentions("provoked while the log was held");
    provoke("held").mentions("holds provoked (rank 65535) taken at machine/src/provoke.rs:");
    // With the records before it, and without the one that was never finished.
    let in_the_middle = provoke("tracer ochre.trace=*");
    in_the_middle.mentions("provoked in the middle of a record").mentions(" sched:::create thread=");
    provoke("two-cpus ochre.trace=*").mentions("provoked on two CPUs");
}

pub(crate) fn what_is_stuck_is_told(guest: &Guest) {
    let provoke = |kind: &str| {
        let append = format!("ochre.provoke={kind} ochre.watchdog=2");
        let options = ["--cpus", "2", "--kernel-log=error", "--timeout", "15s", "--append", &append];
        let finished = guest.run(&options, &["sleep", "1000"]);
        finished.exits(124).mentions("us ago: thread");
        finished
    };
    let finished = provoke("stuck-cpu");
    finished.mentions("CPU 1 has not scheduled for").mentions("it runs thread").mentions("\"sticks\"");
    if guest.arch == "x86_64" {
        // There another CPU can ask it.
        finished.mentions("asked where CPU 1 is").mentions("machine::provoke::spin_for_ever");
    }
    let finished = provoke("stuck-thread");
    finished.mentions("\"waits\" has waited for what never comes for 2 s");
    finished.mentions("\"queues\" has waited for what is never free for 2 s");
}

pub(crate) fn damaged_roots_are_refused(guest: &Guest) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    };
    let run = |root: &str| guest.run(&["--root", root], &["/bin/busybox", "true"]);
    run("/no/such/root").exits(122).mentions("there is no such file");
    run(&file("noise", &noise(1, 10_000))).exits(122);
    run(&file("nothing", b"")).exits(122);
    run(&file("cut.cpio", b"0707010000000100008180")).exits(122);
    let busybox = guest.busybox();
    let shell = |script: &str| {
        let status = Command::new("sh").arg("-ec").arg(script).arg(&busybox).current_dir(directory.path()).status();
        assert!(status.expect("sh").success(), "{script}");
    };
    shell("mkdir -p root/bin; cp \"$0\" root/bin/busybox; tar -C root -czf root.tar.gz .");
    let whole = fs::read(directory.path().join("root.tar.gz")).expect("an archive");
    run(&file("cut.tar.gz", &whole[..whole.len() / 2])).exits(122).mentions("cannot use");
    // One wrong byte anywhere: what still unpacks has the wrong sum.
    for place in (1..10).map(|tenth| whole.len() * tenth / 10) {
        let mut wrong = whole.clone();
        wrong[place] ^= 0x55;
        run(&file("wrong.tar.gz", &wrong)).exits(122).mentions("cannot use");
    }
}

pub(crate) fn a_machine_taken_away_is_told(guest: &Guest) {
    let mut command = guest.command(&[], &["sh", "-c", "echo up; sleep 1000"]);
    let mut child = command.spawn().expect("ochre can be started");
    let mut up = [0; 3];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut up).expect("the program is up");
    // QEMU is the tool's only child.
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let text = fs::read_to_string(children).expect("the kernel tells a task's children");
    let qemu: i32 = text.split_whitespace().next().and_then(|id| id.parse().ok()).expect("QEMU runs");
    let qemu = rustix::process::Pid::from_raw(qemu).expect("a process");
    rustix::process::kill_process(qemu, rustix::process::Signal::KILL).expect("QEMU can be ended");
    let start = std::time::Instant::now();
    let output = child.wait_with_output().expect("ochre ends");
    assert_eq!(output.status.code(), Some(121), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("QEMU was ended by signal 9"));
    assert!(start.elapsed() < Duration::from_secs(60), "it waited for a machine that was gone");
}
