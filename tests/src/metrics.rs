//! Metrics: in the guest, as a file of the host, as a table.

use crate::guest::Guest;

pub(crate) fn metrics_leave_the_guest(guest: &Guest) {
    let file = guest.scratch("metrics").join("metrics.prom");
    let _ = std::fs::remove_file(&file);
    // While it sleeps there is time for a page that tells of it; the last one comes after its end.
    let script = "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 1; grep -c '^ochre_' /proc/trace/metrics";
    let options = ["--cpus", "2", "--metrics", &file.display().to_string()];
    let run = guest.run(&options, &["sh", "-c", script]);
    let lines: u64 = run.exits(0).stdout().trim().parse().expect("a count of lines");
    assert!(lines > 50, "{lines} lines in /proc/trace/metrics");
    let text = std::fs::read_to_string(&file).expect("a file of metrics");
    let value = |start: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {text}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no value: {line}"))
    };
    let calls = value("ochre_syscall_total{cpu=\"0\"}") + value("ochre_syscall_total{cpu=\"1\"}");
    assert!(calls > 20.0, "{calls} calls");
    assert!(value("ochre_process_cpu_seconds_total{pid=\"2\",name=\"sh\",mode=\"user\"}") >= 0.0);
    assert!(value("ochre_process_resident_bytes{pid=\"2\",name=\"sh\"}") >= 0.0);
    assert!(text.contains("# TYPE ochre_process_threads gauge\n"), "{text}");
}

pub(crate) fn top_shows_processes(guest: &Guest) {
    let run = guest.observe("top", &["-d", "100"], &["sh", "-c", "sleep 1; echo done; exit 3"]);
    run.exits(3).prints("done\n").mentions(" NAME ").mentions("      2 sh ").mentions("calls/s");
}
