//! Too little memory: who is ended, what is given back, and who must not notice.

use crate::guest::Guest;
use std::os::unix::fs::PermissionsExt;

/// Shell words that start the program which takes all memory.
const HOG: &str = "/tests/oom_score_test hog";

/// Runs a script in a machine of 64 MiB; answers what it printed and the log.
fn run(guest: &Guest, cpus: &str, more: &[&str], script: &str) -> (String, String) {
    let program = format!("{}:/tests/oom_score_test", guest.user_program("oom_score_test").display());
    let mut options =
        vec!["--memory", "64M", "--cpus", cpus, "--kernel-log=error", "--timeout", "2m", "--add", &program];
    options.extend(more);
    let run = guest.run(&options, &["busybox", "sh", "-c", script]);
    (run.exits(0).stdout(), run.stderr())
}

/// The one that takes everything is ended; the shell beside it and all that it starts go on.
pub(crate) fn the_one_that_takes_all_is_ended(guest: &Guest) {
    let script = format!(
        "{HOG} & hog=$!
        while kill -0 $hog 2> /dev/null; do
            ls /bin > /dev/null || echo ls failed
            [ \"$(echo a b | wc -w)\" = 2 ] || echo a pipeline failed
        done
        wait $hog; echo hog $?
        ls /bin > /dev/null && echo alive"
    );
    for cpus in ["1", "4"] {
        let (said, log) = run(guest, cpus, &[], &script);
        assert_eq!(said, "hog 137\nalive\n", "{log}");
        assert_eq!(log.matches("Out of memory: Killed process").count(), 1, "{log}");
        assert!(log.contains("(oom_score_test)"), "{log}");
    }
}

/// Who offered itself goes first, and who may not be chosen stays, whatever their size.
pub(crate) fn adjustments_are_heeded(guest: &Guest) {
    let script = format!(
        "(echo 1000 > /proc/self/oom_score_adj; exec sleep 1000) & first=$!
        (echo -1000 > /proc/self/oom_score_adj; /tests/oom_score_test hog 30 && exec sleep 1000) & never=$!
        sleep 1
        {HOG} & hog=$!
        wait $first; echo first $?
        wait $hog; echo hog $?
        kill -0 $never && echo never; kill $never"
    );
    let (said, log) = run(guest, "2", &[], &script);
    assert_eq!(said, "first 137\nhog 137\nnever\n", "{log}");
    let first = log.find("(sleep)").expect("the first one is in the log");
    assert!(first < log.find("(oom_score_test)").expect("the hog is in the log"), "{log}");
}

/// Pages of files that can be read again are given back before anybody is ended, and come again.
pub(crate) fn pages_of_files_are_given_back(guest: &Guest) {
    const SCRIPTS: usize = 300;
    let directory = guest.scratch("small-scripts");
    for number in 0..SCRIPTS {
        let path = directory.join(number.to_string());
        std::fs::write(&path, format!("#!/bin/sh\necho {number}\n")).expect("the cache can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let add = format!("{}:/scripts", directory.display());
    let script = format!(
        "count() {{ sed -n \"s/^$1 \\\\([0-9]*\\\\).*/\\\\1/p\" /proc/trace/counters; }}
        all() {{ for i in $(seq 0 {}); do /scripts/$i; done | md5sum; }}
        one=$(all); read_in=$(count page_read_in)
        {HOG}; [ $(count page_reclaimed) -ge {SCRIPTS} ] && echo given back
        two=$(all); [ \"$one\" = \"$two\" ] && echo the same
        [ $(($(count page_read_in) - read_in)) -ge {SCRIPTS} ] && echo read again",
        SCRIPTS - 1
    );
    let (said, log) = run(guest, "2", &["--add", &add], &script);
    assert_eq!(said, "given back\nthe same\nread again\n", "{log}");
}

/// Memory that wants 2 MiB pages gets them, so does memory that is filled from its start on, and all of it comes back.
pub(crate) fn large_areas_get_large_pages(guest: &Guest) {
    let program = format!("{}:/tests/huge_page_test", guest.user_program("huge_page_test").display());
    let script = "count() { sed -n \"s/^$1 \\\\([0-9]*\\\\).*/\\\\1/p\" /proc/trace/counters; }
        begin=$(count fault_block)
        /tests/huge_page_test fill 32 wanted || echo failed
        wanted=$(count fault_block)
        /tests/huge_page_test fill 32 || echo failed
        filled=$(count fault_block)
        echo $((wanted - begin)) $((filled - wanted))
        grep AnonHugePages /proc/meminfo";
    let run = guest.run(&["--cpus", "2", "--add", &program], &["busybox", "sh", "-c", script]);
    let said = run.exits(0).stdout();
    let numbers: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [wanted, filled, left] = numbers[..] else { panic!("three numbers, not {said:?}") };
    // Of 32 MiB that begin anywhere, fifteen are whole; where nobody asked, the first one or two come in small pages.
    assert!((15..=16).contains(&wanted), "{wanted} of 16 were large");
    assert!((13..=15).contains(&filled), "{filled} of 16 were large");
    assert_eq!(left, 0, "{said}");
}
