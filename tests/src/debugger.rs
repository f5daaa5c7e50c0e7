//! `ochre gdb` drives a real GDB; `ochre dump` reads what a machine left.

use crate::guest::Guest;
use crate::languages::wait_for;
use std::process::Command;

/// Which GDB this guest needs.
fn gdb(guest: &Guest) -> &'static str {
    if guest.arch == std::env::consts::ARCH { "gdb" } else { "gdb-multiarch" }
}

/// What is not there, if something is not.
fn missing(guest: &Guest) -> Option<&'static str> {
    let name = gdb(guest);
    let found = Command::new(name).arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) { None } else { Some(name) }
}

/// After a boot with all probes on: enough records, in order; every command says what it should; an image of the memory says the same.
pub(crate) fn gdb_finds_rings_and_threads(guest: &Guest) {
    if let Some(name) = missing(guest) {
        wait_for(name);
    }
    let image = guest.scratch("debugger").join("memory");
    let _ = std::fs::remove_file(&image);
    let dump = format!("monitor dump-guest-memory {}", image.display());
    let commands = [
        "hbreak ochre_program_ended",
        "continue",
        "ochre-check",
        "ochre-rings 400",
        "ochre-counters",
        "ochre-threads",
        "ochre-locks",
        "ochre-pages ochre_layout",
        &dump,
        "delete",
    ];
    let mut options = vec!["--batch", "--cpus", "2", "--append", "ochre.trace=* ochre.provoke=stuck-thread"];
    for command in commands {
        options.extend(["--ex", command]);
    }
    let run = guest.observe("gdb", &options, &["sh", "-c", "ls / | wc -l"]);
    let out = run.exits(0).stdout();
    for wanted in [
        "ochre_program_ended",
        " records of 2 CPUs, each CPU's in order",
        "syscall_total ",
        "last waited for the next beat",
        "(waits) holds what is never free (rank 65535, at 0x",
        "(queues) holds or waits for what is never free (rank 65535, at 0x",
        ") taken at machine/src/provoke.rs:",
        " syscall:::entry thread=",
        " is at physical address 0x",
    ] {
        assert!(out.contains(wanted), "no {wanted:?}: {out}{}", run.stderr());
    }
    let shown = Command::new(&guest.ochre).arg("dump").arg(&image).output().expect("ochre can be started");
    let _ = std::fs::remove_file(&image);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    for wanted in [
        "a kernel with 2 CPUs",
        "\nCPU 0: runs thread ",
        "\nCPU 1: runs thread ",
        " (main)\n",
        // Where the debugger had it stop, from the registers in the image.
        " ochre_program_ended+0x",
        " gave way to ",
        " syscall:::entry thread=",
        " number=",
        "syscall_total ",
        "(watchdog/1)",
        "watchdog",
        "  holds what is never free (rank 65535, at 0x",
        "  holds or waits for what is never free (rank 65535, at 0x",
        ") taken at machine/src/provoke.rs:",
        "\nthe end of the log:\n",
    ] {
        assert!(text.contains(wanted), "no {wanted:?}: {text}");
    }
}
