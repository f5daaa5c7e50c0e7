//! Processors, memory, and the other kinds of machine.

use crate::guest::Guest;

pub(crate) fn processors_are_seen(guest: &Guest) {
    for cpus in ["1", "2", "4"] {
        let run = guest.run(&["--cpus", cpus], &["sh", "-c", "nproc; grep -c ^processor /proc/cpuinfo"]);
        run.exits(0).prints(&format!("{cpus}\n{cpus}\n")).says("");
    }
}

pub(crate) fn little_memory_is_enough(guest: &Guest) {
    guest.run(&["--memory", "24M"], &["echo", "small"]).exits(0).prints("small\n").says("");
    let large = tempfile::NamedTempFile::new().expect("a file");
    large.as_file().set_len(30 << 20).expect("a length");
    let add = format!("{}:/large", large.path().display());
    guest.run(&["--memory", "24M", "--add", &add], &["true"]).exits(122).mentions("does not fit a machine of 24 MiB");
}

/// A PC's RAM goes on above the windows of devices. Here it does with little RAM.
pub(crate) fn devices_between_ram_are_found(guest: &Guest) {
    if guest.arch != "x86_64" {
        return;
    }
    let divided = ["--machine", "q35", "--memory", "256M", "--qemu=-machine", "--qemu=max-ram-below-4g=128M"];
    let more_than_below = "/^MemTotal/ { print ($2 > 200000) }";
    guest.run(&divided, &["awk", more_than_below, "/proc/meminfo"]).exits(0).prints("1\n").says("");
}

/// Names without end are refused before the kernel's own objects find no memory.
pub(crate) fn many_names_do_no_harm(guest: &Guest) {
    let program = guest.user_program("many_names_test").display().to_string();
    guest.run(&["--memory", "48M"], &[&program, "12000"]).exits(0).prints("");
}

pub(crate) fn other_machines_boot(guest: &Guest) {
    let others: &[&[&str]] = if guest.arch == "aarch64" {
        &[&["--machine", "virt"], &["--machine", "virt-gicv2"], &["--qemu=-cpu", "--qemu=max,pauth-impdef=on"]]
    } else {
        &[&["--machine", "microvm"], &["--machine", "q35"], &["--qemu=-cpu", "--qemu=qemu64"]]
    };
    for options in others {
        let options = [*options, &["--cpus", "2"]].concat();
        let run = guest.run(&options, &["sh", "-c", "seq 1 1000 | sort -rn | head -2"]);
        run.exits(0).prints("1000\n999\n").says("");
    }
}

/// The way of Linux: firmware, 16-bit setup, 32-bit entry, 64-bit entry; memory map, command line and root from the zero page.
pub(crate) fn loaders_of_linux_start_it(guest: &Guest) {
    if guest.arch != "x86_64" {
        // ARM64's one form of the kernel is Linux's own; every other case starts it.
        return;
    }
    let kernel = guest.bz_image().display().to_string();
    let marks = guest.scratch("marks").join("debug-console");
    let watch = ["--qemu=-debugcon", &format!("--qemu=file:{}", marks.display())];
    for (machine, cpus) in [("microvm", "1"), ("microvm", "2"), ("q35", "1"), ("q35", "2")] {
        let run = guest.run(
            &[&["--kernel", &kernel, "--machine", machine, "--cpus", cpus, "--append", "a=word"][..], &watch].concat(),
            &["sh", "-c", "nproc; grep -o a=word /proc/cmdline; seq 1 1000 | sort -rn | head -1; exit 7"],
        );
        run.exits(7).prints(&format!("{cpus}\na=word\n1000\n")).says("");
        // Setup, protected mode, long mode, and then Rust.
        assert_eq!(std::fs::read_to_string(&marks).expect("the marks"), "SPLBCD", "{machine}");
    }
}
