//! The default root: Debian's static BusyBox with links for its applets, and the few files programs expect. Made once per
//! architecture, as a part of an archive in the cache, with its index beside it.

use super::cpio::{Attributes, Writer};
use super::index::Index;
use crate::arch::Arch;
use crate::home::{self, Home};
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// Bumped when what the root holds changes, so that parts made by older tools are made anew.
const EDITION: u32 = 2;

/// The part and its index.
pub(crate) struct DefaultRoot {
    /// Archive without trailer, to begin at a multiple of the page size.
    pub(crate) part: File,
    /// What it holds.
    pub(crate) index: Index,
}

/// Opens the default root of `arch`, made from the BusyBox at `busybox` if it isn't there yet or is older than that.
pub(crate) fn open(home: &Home, arch: Arch, busybox: &Path) -> io::Result<DefaultRoot> {
    let (part_path, index_path) = paths(home, arch);
    let fresh = home::modified(&index_path) >= home::modified(busybox);
    if fresh
        && let Ok(part) = File::open(&part_path)
        && let Some(index) = std::fs::read(&index_path).ok().and_then(|text| Index::from_text(&text))
    {
        return Ok(DefaultRoot { part, index });
    }
    let directory = part_path.parent().unwrap_or(&home.cache);
    std::fs::create_dir_all(directory)?;
    let part = tempfile::NamedTempFile::new_in(directory)?;
    let mut writer = Writer::resume(BufWriter::new(part.as_file()), 0, Index::default());
    fill(&mut writer, busybox)?;
    let index = writer.finish_part()?;
    part.persist(&part_path).map_err(|error| error.error)?;
    let text = tempfile::NamedTempFile::new_in(directory)?;
    std::fs::write(text.path(), index.to_text())?;
    text.persist(&index_path).map_err(|error| error.error)?;
    Ok(DefaultRoot { part: File::open(&part_path)?, index })
}

fn paths(home: &Home, arch: Arch) -> (PathBuf, PathBuf) {
    let name = |ending: &str| home.cache.join(format!("root/{arch}-{EDITION}.{ending}"));
    (name("cpio"), name("index"))
}

fn fill<W: io::Write>(writer: &mut Writer<W>, busybox: &Path) -> io::Result<()> {
    let with_mode = |mode: u32| Attributes { mode, ..Attributes::default() };
    for directory in ["bin", "dev", "etc", "mnt", "proc", "sys", "usr", "var", "var/tmp"] {
        writer.directory(directory.as_bytes(), with_mode(0o755))?;
    }
    writer.directory(b"root", with_mode(0o700))?;
    writer.directory(b"tmp", with_mode(0o1777))?;
    for (path, target) in [("sbin", "bin"), ("usr/bin", "../bin"), ("usr/sbin", "../bin"), ("var/run", "../run")] {
        writer.symlink(path.as_bytes(), target.as_bytes(), Attributes::default())?;
    }
    writer.directory(b"run", with_mode(0o755))?;
    for (path, content) in [
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
        ("etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"),
        ("etc/hostname", "ochre\n"),
        ("etc/hosts", "127.0.0.1\tlocalhost ochre\n"),
        ("etc/profile", "export PS1='\\w \\$ '\n"),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
        ("etc/os-release", "NAME=\"Ochre default root\"\nID=ochre\n"),
    ] {
        writer.small_file(path.as_bytes(), 0o644, content.as_bytes())?;
    }
    let program = std::fs::read(busybox)?;
    writer.small_file(b"bin/busybox", 0o755, &program)?;
    for applet in applets(&program) {
        if applet != b"busybox" {
            writer.symlink(&[b"bin/", applet].concat(), b"busybox", Attributes::default())?;
        }
    }
    Ok(())
}

/// The names of a BusyBox's applets, read from its table of names. It cannot be asked: it may be of a foreign architecture.
fn applets(program: &[u8]) -> Vec<&[u8]> {
    const START: &[u8] = b"\0[\0[[\0";
    let Some(start) = program.windows(START.len()).position(|window| window == START) else { return Vec::new() };
    let is_name = |name: &&[u8]| {
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"[._-+".contains(byte))
    };
    program[start + 1..].split(|byte| *byte == 0).take_while(is_name).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn applets_are_read_from_the_table() {
        let program = b"junk\0x\0[\0[[\0ash\0awk\0busybox\0run-parts\0\0more\0";
        let names: Vec<&[u8]> = vec![b"[", b"[[", b"ash", b"awk", b"busybox", b"run-parts"];
        assert_eq!(super::applets(program), names);
        assert!(super::applets(b"nothing here").is_empty());
    }
}
