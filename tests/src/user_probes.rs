//! Probes at functions of programs, by `ochre trace 'uprobe:…'`.

use crate::guest::Guest;
use crate::languages::with_library;
use crate::observe::trace;

pub(crate) fn every_call_is_told(guest: &Guest) {
    // The test checks that functions with probes do what those without do, in threads, signal handlers, children and second mappings, and tells
    // how often each was called.
    let program = "uprobe:probed_test:probed_* /probefunc != \"probed_call\" && probefunc != \"probed_deep\"/ { @kinds = count(); }
        uprobe:/bin/probed_test:probed_call { @calls = count(); } uprobe:probed_test:probed_deep:entry { @deep = count(); }
        uprobe:probed_test:probed_deep { @named[probeprov, probemod, probefunc, probename] = max(arg0); }";
    let test = guest.user_program("probed_test").display().to_string();
    for cpus in ["1", "4"] {
        let (run, text) = trace(guest, &["--cpus", cpus], &[program], &[&test, "count"]);
        run.exits(0);
        let words: Vec<&str> = text.split_whitespace().collect();
        let count =
            |name: &str| words.iter().position(|word| *word == name).and_then(|place| words.get(place + 1).copied());
        let told: Vec<&str> = ["@kinds", "@calls", "@deep"].into_iter().filter_map(count).collect();
        assert_eq!(run.stdout().trim_end(), told.join(" "), "{text}");
        assert!(words.ends_with(&["uprobe", "probed_test", "probed_deep", "entry", "2000"]), "{text}");
        assert_eq!(run.stderr(), "");
    }
}

pub(crate) fn what_has_no_probe_is_told(guest: &Guest) {
    let test = guest.user_program("probed_test").display().to_string();
    for (program, message, mark) in [
        ("uprobe:/bin/nosuch:main", "there is no program or library /bin/nosuch in the root", "         ^"),
        ("uprobe:probed_test:nosuch", "no function of this file is called so", "  ^"),
        ("uprobe:probed_test:main { x = arg9 }", "has the arguments arg0, arg1", "                                ^"),
    ] {
        let run = guest.observe("trace", &[program], &[&test]);
        run.exits(2).prints("");
        assert!(run.stderr().contains(message) && run.stderr().lines().any(|line| line == mark), "{}", run.stderr());
    }
}

pub(crate) fn files_without_room_are_told(guest: &Guest) {
    // Each copy is another file, though it has the same name; the kernel has room for 64.
    let add = format!("{}:/bin/copied", guest.user_program("shares_test").display());
    let script = "for i in $(seq 1 70); do cp /bin/copied /bin/copy && mv /bin/copy /bin/copied && copied || exit 1; done; echo done";
    let program = "uprobe:copied:main { @ = count(); }";
    let (run, text) = trace(guest, &["--add", &add], &[program], &["busybox", "sh", "-c", script]);
    run.exits(0);
    assert!(run.stdout().ends_with("done\n"), "{}", run.stdout());
    assert_eq!(text.trim(), "64", "{}", run.stderr());
    assert!(run.stderr().contains("lost: 6 places of functions of programs"), "{}", run.stderr());
}

pub(crate) fn functions_of_shared_libraries_are_told(guest: &Guest) {
    let (program, added) = with_library(guest);
    let mut options = vec!["--cpus", "2", "--memory", "512M"];
    added.iter().for_each(|added| options.extend(["--add", added]));
    // A thread, a child and the process itself, whatever library has it: named by its file, or by where it is.
    let clauses = "uprobe:liblibrary.so:library_add { @calls = count(); @sum = sum(arg0); }
        uprobe:/usr/lib/liblibrary.so:library_* { @processes[pid, tid] = count(); }";
    let (run, text) = trace(guest, &options, &[clauses], &[&program.display().to_string()]);
    run.exits(0).prints("19900 499500\n");
    let number = |name: &str| text.split(name).nth(1).and_then(|rest| rest.split_whitespace().next());
    assert_eq!((number("@calls\n"), number("@sum\n")), (Some("1500"), Some("564250")), "{text}");
    let processes = text.split("@processes\n").nth(1).unwrap_or_default();
    let counts: Vec<&str> = processes.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(counts, ["200", "300", "1000"], "{text}");
    assert_eq!(run.stderr(), "");
}
