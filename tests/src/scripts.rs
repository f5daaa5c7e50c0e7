//! Scripts of real work: the same BusyBox must print the same bytes on the host's Linux and in a guest.

use crate::guest::{Guest, same_bytes};
use std::process::{Command, Stdio};

pub(crate) fn real_work_is_as_on_linux(guest: &Guest) {
    let scripts = guest.top().join("tests/scripts");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let applets = directory.path().join("bin");
    std::fs::create_dir(&applets).expect("a directory");
    let busybox = Guest::host().busybox();
    let installed = Command::new(&busybox).args(["--install", "-s"]).arg(&applets).status().expect("busybox");
    assert!(installed.success());
    for entry in std::fs::read_dir(&scripts).expect("scripts").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let work = directory.path().join(format!("work-{name}"));
        std::fs::create_dir(&work).expect("a directory");
        let on_host = Command::new(applets.join("sh"))
            .arg(entry.path())
            .arg(&work)
            .env_clear()
            .env("PATH", &applets)
            .env("HOME", "/root")
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let add = format!("{}:/scripts", scripts.display());
        let script = format!("/scripts/{name}");
        let make = format!("mkdir /work && exec sh {script} /work");
        let run = guest.run(&["--add", &add, "--memory", "512M"], &["sh", "-c", &make]);
        let (expected, found) = (String::from_utf8_lossy(&on_host.stdout), run.stdout());
        let first = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
        if let Some((expected, found)) = first {
            panic!("{name}: expected {expected:?}, found {found:?}; stderr: {}", run.stderr());
        }
        run.exits(on_host.status.code().unwrap_or(-1));
        same_bytes(&run.output.stdout, &on_host.stdout, &name);
        same_bytes(&run.output.stderr, &on_host.stderr, &format!("stderr of {name}"));
    }
}
