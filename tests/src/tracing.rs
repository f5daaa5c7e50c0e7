//! Tracing from inside the guest: `/proc/trace` can be read and written, probes are switched one by one, records are whole
//! and in order, counters tell the truth.

use crate::guest::Guest;

/// The numbers that a line of `/proc/trace/buffer` begins with: CPU, index, ticks; and its event.
fn record(line: &str) -> (u64, u64, u64, &str) {
    let mut words = line.split(' ');
    let mut number =
        || words.next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no record: {line:?}"));
    let (cpu, index, ticks) = (number(), number(), number());
    let event = words.nth(1).unwrap_or_else(|| panic!("no event: {line:?}"));
    (cpu, index, ticks, event)
}

pub(crate) fn probes_are_switched_one_by_one(guest: &Guest) {
    let script = "cd /proc/trace
        grep -c ' 1$' enable
        echo vminfo:::cow_copy > enable; grep ' 1$' enable
        echo 'sched:::of?_* -vminfo:::cow_copy' > enable; grep ' 1$' enable
        echo nosuch > enable 2> /dev/null || echo refused
        echo 0 > enable; grep -c ' 1$' enable
        grep -c . events; grep -c . enable; cut -d' ' -f1 providers";
    let run = guest.shell(script);
    let out = run.stdout();
    let (before, after) = out.split_once("refused\n0\n").unwrap_or_else(|| panic!("{out:?}"));
    assert_eq!(before, "0\nvminfo:::cow_copy 1\nsched:::off_cpu 1\n");
    let mut lines = after.lines();
    assert_eq!(lines.next(), lines.next(), "each event can be switched");
    assert_eq!(lines.collect::<Vec<_>>(), ["sched", "irq", "syscall", "vminfo", "proc", "timer", "lock", "io", "net"]);
}

pub(crate) fn records_are_whole_and_in_order(guest: &Guest) {
    // The reading itself records too: the rings go round while they are read.
    let script = "echo '*' > /proc/trace/enable; i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo $i | cat; done > /dev/null
        cat /proc/trace/buffer; echo 0 > /proc/trace/enable; echo > /proc/trace/buffer; echo ---; cat /proc/trace/buffer";
    let run = guest.run(&["--cpus", "2"], &["sh", "-c", script]);
    let out = run.stdout();
    let (full, empty) = out.split_once("---\n").unwrap_or_else(|| panic!("{out:?}"));
    assert!(empty.lines().all(|line| line.starts_with('#')), "forgotten: {empty:?}");
    let mut last = [None; 2];
    let mut events = std::collections::BTreeSet::new();
    for line in full.lines().filter(|line| !line.starts_with('#')) {
        let (cpu, index, ticks, event) = record(line);
        let last = &mut last[usize::try_from(cpu).expect("a CPU's number")];
        assert!(last.is_none_or(|(i, t)| index > i && ticks >= t), "out of order: {line}");
        *last = Some((index, ticks));
        events.insert(event.to_owned());
    }
    for wanted in ["syscall:::entry", "syscall:::return", "sched:::off_cpu", "vminfo:::fault_entry", "irq:::timer"] {
        assert!(events.contains(wanted), "no {wanted} in {events:?}");
    }
}

pub(crate) fn counters_tell_the_truth(guest: &Guest) {
    let script = "count() { grep \"^$1 \" /proc/trace/counters | cut -d' ' -f2; }
        a=$(count syscall_total); dd if=/dev/zero of=/dev/null bs=1 count=10000 2> /dev/null; b=$(count syscall_total)
        echo $((b - a)); a=$(count process_forked); /bin/true; /bin/true; /bin/true; b=$(count process_forked); echo $((b - a))";
    let run = guest.shell(script);
    let out = run.stdout();
    let numbers: Vec<i64> = out.lines().map(|line| line.parse().expect("a number")).collect();
    let [calls, forks] = numbers[..] else { panic!("{out:?}") };
    assert!((20_000..21_000).contains(&calls), "10,000 reads and writes, {calls} calls counted");
    // The second substitution forks once (its subshell) and twice (grep and cut) more.
    assert!((6..=8).contains(&forks), "{forks} forks counted");
}

/// The numbers of a CPU's line in `/proc/trace/profile`, by name.
fn count(line: &str, name: &str) -> u64 {
    let mut words = line.split(' ').skip_while(|word| *word != name);
    words.nth(1).and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no {name}: {line:?}"))
}

pub(crate) fn samples_are_taken_from_within(guest: &Guest) {
    // Time passes by instructions, so that the counts do not depend on how busy the host is.
    let script = "cd /proc/trace
        for bad in '' x 10001 -1 '1000 on-cpu' '1000 off-cpu 1'; do echo $bad > profile 2> /dev/null && echo taken: $bad; done
        echo 2000 > profile; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.25; echo 0 > profile; cat profile
        echo ---; echo 1000 off-cpu > profile; sleep 0.01; (sleep 0.02); echo 0 > profile; cat profile; echo ---; cat profile";
    let run = guest.run(&["--accel", "icount", "--memory", "64M"], &["busybox", "sh", "-c", script]);
    let out = run.stdout();
    let parts: Vec<&str> = out.split("---\n").collect();
    let [on, off, empty] = parts[..] else { panic!("{out:?}") };
    let counts = on.lines().find(|line| line.starts_with("# cpu 0 ")).unwrap_or_else(|| panic!("{on:?}"));
    let [user, kernel, idle] = ["user", "kernel", "idle"].map(|name| count(counts, name));
    // A quarter of a second asleep at 2000 a second; the loop takes some hundred periods.
    assert!(idle >= 495, "{counts}");
    assert!(user > 40, "{counts}");
    assert!(count(counts, "missed") < 10 && count(counts, "lost") == 0, "{counts}");
    let samples = |text: &str, kind: &str| text.lines().filter(|line| line.starts_with(kind)).count() as u64;
    assert_eq!((samples(on, "user "), samples(on, "kernel "), samples(on, "asleep ")), (user, kernel, 0));
    // Two sleeps, and two waits for them.
    assert!(samples(off, "asleep ") >= 4, "{off}");
    assert!(
        off.lines()
            .any(|line| line.starts_with("asleep") && line.contains("user_loop::run;") && line.contains("sys_wait4;")),
        "{off}"
    );
    assert!(empty.lines().all(|line| line.starts_with('#')), "read samples are gone: {empty}");
}

pub(crate) fn rings_have_the_size_that_is_asked_for(guest: &Guest) {
    let script = ["busybox", "head", "-n1", "/proc/trace/buffer"];
    let size_of = |words: &str| {
        let run = guest.run(&["--kernel-log=warn", "--append", words], &script);
        run.exits(0);
        let out = run.stdout();
        let size = out.split(" ring ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
        (size, run.stderr().contains("is refused"))
    };
    assert_eq!(size_of("ochre.ring=64"), (Some(64), false));
    for absurd in ["99999999999999999999", "0", "1", "-1", "many", "1099511627776"] {
        assert_eq!(size_of(&format!("ochre.ring={absurd}")), (Some(1024), true), "{absurd}");
    }
}

pub(crate) fn no_write_does_harm(guest: &Guest) {
    // Noise, words that are almost right, and long ones, while every probe records.
    let script = "cd /proc/trace; echo 1 > enable
        for f in enable profile buffer providers events counters metrics; do
            for n in 0 1 7 64 500 4096 70000; do
                head -c $n /dev/urandom > $f 2> /dev/null; head -c $n /dev/zero > $f 2> /dev/null
                head -c $n /dev/zero | tr '\\0' '*' > $f 2> /dev/null
            done
            for w in '' ' ' '*' '-*' '::::' ':::::::::' '-' '1 1 0 1' '* 0 1 -' '-1' '0x1' '99999999999999999999 off-cpu' '1000 off-cpu' \
                'sched:::* -' '?????????????*?*?*?*?*?*?*?*?*?*?*?*?*x' '0 0' '1000 1000' 'syscall:::entry\\00\\001'; do
                printf '%b' \"$w\" > $f 2> /dev/null; echo \"$w\" > $f 2> /dev/null
            done
            cat $f > /dev/null
        done
        echo 0 > profile; echo 0 > enable; grep -c ' 1$' enable; head -n 1 buffer | cut -d' ' -f2; head -n 1 profile | cut -d' ' -f4,5";
    let run = guest.run(&["--cpus", "2"], &["sh", "-c", script]);
    run.exits(0).prints("0\nversion\nrate 0\n");
}

pub(crate) fn probes_cost_little(guest: &Guest) {
    // The kernel measures and switches itself off. Counted in instructions, a figure is the same on every host.
    let run = guest.run(&["--accel", "icount", "--append", "ochre.test=costs"], &["true"]);
    let text = run.stderr();
    for (name, most) in [
        ("counter", 4.5),
        ("probe.off", 5.0),
        ("event.0", 60.0),
        ("event.1", 60.0),
        ("event.3", 60.0),
        ("event.7", 80.0),
    ] {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(&format!("trace.{name} ")));
        let cost = line.and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
        assert!(cost.is_some_and(|cost| cost > 0.5 && cost <= most), "{name}: {cost:?} instructions: {text}");
    }
}
