//! Metrics: in the guest, as a file of the host, as a table.
//!
//! Pages come when the guest gets to make them, which on a busy host may be late: the programs here wait for a line of input, which they get when
//! what is looked for has been seen.

use crate::guest::Guest;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long what is looked for may take to come.
const LIMIT: Duration = Duration::from_secs(120);

/// Lets the program go on.
fn release(child: &mut Child) {
    child.stdin.take().expect("a pipe").write_all(b"go\n").expect("the program reads");
}

pub(crate) fn metrics_leave_the_guest(guest: &Guest) {
    let file = guest.scratch("metrics").join("metrics.prom");
    let _ = std::fs::remove_file(&file);
    let script = "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; read line; grep -c '^ochre_' /proc/trace/metrics";
    let options = ["--cpus", "2", "--metrics", &file.display().to_string()];
    let mut child = guest.command(&options, &["sh", "-c", script]).stdin(Stdio::piped()).spawn().expect("ochre");
    let resident = "ochre_process_resident_bytes{pid=\"2\",name=\"sh\"}";
    let start = Instant::now();
    while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains(resident)) {
        assert!(start.elapsed() < LIMIT, "no page tells of the program");
        std::thread::sleep(Duration::from_millis(10));
    }
    release(&mut child);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let lines: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a count of lines");
    assert!(lines > 50, "{lines} lines in /proc/trace/metrics");
    let text = std::fs::read_to_string(&file).expect("a file of metrics");
    let value = |start: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {text}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no value: {line}"))
    };
    let calls = value("ochre_syscall_total{cpu=\"0\"}") + value("ochre_syscall_total{cpu=\"1\"}");
    assert!(calls > 20.0, "{calls} calls");
    assert!(value("ochre_process_cpu_seconds_total{pid=\"2\",name=\"sh\",mode=\"user\"}") >= 0.0);
    assert!(value(resident) >= 0.0);
    assert!(text.contains("# TYPE ochre_process_threads gauge\n"), "{text}");
}

pub(crate) fn top_shows_processes(guest: &Guest) {
    let script = "read line; echo done; exit 3";
    let mut child = guest
        .command_of("top", &["-d", "100"], &["sh", "-c", script])
        .stdin(Stdio::piped())
        .spawn()
        .expect("ochre can be started");
    let mut errors = child.stderr.take().expect("a pipe");
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    while !seen.contains("      2 sh ") {
        let count = errors.read(&mut buffer).expect("text");
        assert!(count > 0, "the program is in no table: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    release(&mut child);
    errors.read_to_string(&mut seen).expect("text");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(3), &b"done\n"[..]), "{seen}");
    assert!(seen.contains(" NAME ") && seen.contains("calls/s"), "{seen}");
}
