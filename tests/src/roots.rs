//! `--root`: the same tree as a directory, a tar and a cpio, plain and compressed.

use crate::guest::Guest;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = "cat /etc/greeting /data/link /data/hard; stat -c '%a %h %s' /data/file /data/hard; \
    wc -c < /data/large; md5sum < /data/large; ls /data/empty | wc -l";

pub(crate) fn directory_tar_and_cpio(guest: &Guest) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = directory.path().join("root");
    fill(guest, &root);
    let shell = |script: &str| {
        let status = Command::new("sh").arg("-ec").arg(script).current_dir(directory.path()).status().expect("sh");
        assert!(status.success(), "{script}");
    };
    shell("tar -C root -cf root.tar . && gzip -k root.tar");
    let busybox = Guest::host().busybox();
    let archive = format!("find . | {} cpio -o -H newc >../root.cpio 2>/dev/null", busybox.display());
    shell(&format!("cd root && {archive} && cd .. && gzip -k root.cpio"));
    let large = crate::guest::noise(9, 1_000_000);
    fs::write(directory.path().join("large"), &large).expect("a file");
    let sum = Command::new("md5sum").stdin(fs::File::open(directory.path().join("large")).expect("a file")).output();
    let sum = String::from_utf8_lossy(&sum.expect("md5sum").stdout).trim().to_string();
    let expected = format!("hello\nin the file\nin the file\n640 2 12\n640 2 12\n1000000\n{sum}\n0\n");
    for name in ["root", "root.tar", "root.tar.gz", "root.cpio", "root.cpio.gz"] {
        let path = directory.path().join(name).display().to_string();
        guest.run(&["--root", &path], &["/bin/busybox", "sh", "-c", SCRIPT]).exits(0).prints(&expected).says("");
    }
}

/// A small tree with everything that is told apart: links of both kinds, modes, a large file, an empty directory.
fn fill(guest: &Guest, root: &Path) {
    for name in ["bin", "etc", "data/empty"] {
        fs::create_dir_all(root.join(name)).expect("a directory");
    }
    let busybox = guest.busybox();
    fs::copy(&busybox, root.join("bin/busybox")).expect("busybox");
    fs::write(root.join("etc/greeting"), "hello\n").expect("a file");
    fs::write(root.join("data/file"), "in the file\n").expect("a file");
    fs::set_permissions(root.join("data/file"), PermissionsExt::from_mode(0o640)).expect("a mode");
    fs::hard_link(root.join("data/file"), root.join("data/hard")).expect("a link");
    symlink("file", root.join("data/link")).expect("a link");
    fs::write(root.join("data/large"), crate::guest::noise(9, 1_000_000)).expect("a file");
    for applet in ["sh", "cat", "stat", "wc", "md5sum", "ls"] {
        symlink("busybox", root.join("bin").join(applet)).expect("a link");
    }
}
