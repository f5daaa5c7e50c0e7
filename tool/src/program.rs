//! Which file a run executes: found in the guest's root, or a file of the host that is put there. Checked before anything boots.

use crate::arch::Arch;
use crate::root::index::{Index, Node};
use crate::status::{self, failure};
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The program's search path in the guest, unless `--env PATH=` says otherwise.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the program comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// In the root, at this absolute path.
    Guest(Vec<u8>),
    /// On the host; to be put at `/bin/NAME` of the root.
    Host {
        /// The host's file.
        file: PathBuf,
        /// Its path in the root, without the leading slash.
        guest: Vec<u8>,
    },
}

impl Program {
    /// The absolute path to execute.
    pub(crate) fn path(&self) -> Vec<u8> {
        match self {
            Program::Guest(path) => path.clone(),
            Program::Host { guest, .. } => [b"/", guest.as_slice()].concat(),
        }
    }

    /// Finds `name`. A name without a slash is looked up in the root by `search` (its PATH). One with a slash is the
    /// root's file of that path (below `workdir`, if relative), or else the host's. One that begins with a dash is a mistyped option.
    pub(crate) fn find(
        name: &OsStr,
        root: &Index,
        search: &[u8],
        workdir: &[u8],
        arch: Arch,
    ) -> anyhow::Result<Program> {
        let bytes = name.as_bytes();
        let shown = name.to_string_lossy();
        // What stands where the program should: a command takes all words from the first that is no option of its own.
        if bytes.starts_with(b"-") {
            return Err(failure(status::USAGE, format!("there is no option {shown} (see --help)")));
        }
        let absolute = |directory: &[u8]| [directory, b"/", bytes].concat();
        if !bytes.contains(&b'/') {
            let mut denied = false;
            for directory in search.split(|byte| *byte == b':') {
                let directory = if directory.is_empty() { workdir } else { directory };
                let path = absolute(directory);
                match root.resolve(&path) {
                    Some(Node::File { mode }) if mode & 0o111 != 0 => return Ok(Program::Guest(path)),
                    Some(Node::File { .. }) => denied = true,
                    _ => {}
                }
            }
            if denied {
                return Err(failure(
                    status::NOT_EXECUTABLE,
                    format!("{shown} is in the root but has no execute permission"),
                ));
            }
            let hint =
                if Path::new(name).is_file() { format!(" (for the file here, say ./{shown})") } else { String::new() };
            return Err(failure(status::NOT_FOUND, format!("{shown} is not a program of the root{hint}")));
        }
        let guest = if bytes.starts_with(b"/") { bytes.to_vec() } else { absolute(workdir) };
        match root.resolve(&guest) {
            Some(Node::File { mode }) if mode & 0o111 != 0 => return Ok(Program::Guest(guest)),
            Some(Node::File { .. }) => {
                let text = format!("{shown} is in the root but has no execute permission");
                return Err(failure(status::NOT_EXECUTABLE, text));
            }
            Some(_) => return Err(failure(status::NOT_EXECUTABLE, format!("{shown} is not a regular file"))),
            None => {}
        }
        check_host_file(Path::new(name), &shown, arch)?;
        let base = Path::new(name).file_name().unwrap_or(name).as_bytes();
        Ok(Program::Host { file: PathBuf::from(name), guest: [b"bin/", base].concat() })
    }
}

/// Whether the host's file can be a program of `arch`.
fn check_host_file(path: &Path, shown: &str, arch: Arch) -> anyhow::Result<()> {
    let data = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            failure(status::NOT_FOUND, format!("there is no {shown}, neither in the root nor here"))
        }
        _ => failure(status::NOT_EXECUTABLE, format!("cannot read {shown}: {error}")),
    })?;
    if !data.is_file() {
        return Err(failure(status::NOT_EXECUTABLE, format!("{shown} is not a regular file")));
    }
    if data.permissions().mode() & 0o111 == 0 {
        return Err(failure(status::NOT_EXECUTABLE, format!("{shown} has no execute permission")));
    }
    let mut start = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(64).read_to_end(&mut start))
        .map_err(|error| failure(status::NOT_EXECUTABLE, format!("cannot read {shown}: {error}")))?;
    explain_start(&start, arch).map_err(|reason| failure(status::NOT_EXECUTABLE, format!("{shown} {reason}")))
}

/// What the first bytes of a program say against running it.
fn explain_start(start: &[u8], arch: Arch) -> Result<(), String> {
    if start.starts_with(b"#!") {
        return Ok(());
    }
    if !start.starts_with(b"\x7fELF") {
        return Err("is neither an ELF program nor a script that starts with #!".into());
    }
    if start.len() < 64 {
        return Err("is an ELF file cut off within its header".into());
    }
    let machine = u16::from_le_bytes([start[18], start[19]]);
    if start[4] != 2 || start[5] != 1 {
        return Err("is not a 64-bit little-endian program".into());
    }
    if machine != arch.elf_machine() {
        let name = Arch::ALL.into_iter().find(|other| other.elf_machine() == machine);
        return Err(match name {
            Some(other) => format!("is a program for {other}, not for {arch}; use --arch {other}"),
            None => format!("is a program for another machine (ELF machine number {machine}), not for {arch}"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(result: anyhow::Result<Program>) -> u8 {
        result.unwrap_err().downcast_ref::<status::Failure>().unwrap().status
    }

    #[test]
    fn programs_of_the_root_are_found() {
        let mut root = Index::default();
        root.insert(b"bin", Node::Directory);
        root.insert(b"bin/busybox", Node::File { mode: 0o100_755 });
        root.insert(b"bin/notes", Node::File { mode: 0o100_644 });
        root.insert(b"bin/sh", Node::Symlink(b"busybox".to_vec()));
        let find = |name: &str| Program::find(OsStr::new(name), &root, PATH.as_bytes(), b"/", Arch::X86_64);
        assert_eq!(find("sh").unwrap().path(), b"/bin/sh");
        assert_eq!(find("/bin/busybox").unwrap().path(), b"/bin/busybox");
        assert_eq!(status_of(find("none")), status::NOT_FOUND);
        assert_eq!(status_of(find("notes")), status::NOT_EXECUTABLE);
        assert_eq!(status_of(find("--nosuch=/etc")), status::USAGE);
        assert_eq!(status_of(find("/no/such/file")), status::NOT_FOUND);
        assert_eq!(status_of(find("/etc")), status::NOT_EXECUTABLE);
    }

    #[test]
    fn the_first_bytes_are_judged() {
        let mut elf = [0; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[18] = 62;
        assert_eq!(explain_start(&elf, Arch::X86_64), Ok(()));
        assert!(explain_start(&elf, Arch::Aarch64).unwrap_err().contains("for x86_64"));
        assert!(explain_start(&elf[..40], Arch::X86_64).unwrap_err().contains("cut off"));
        assert!(explain_start(b"", Arch::X86_64).is_err());
        assert_eq!(explain_start(b"#!/bin/sh\n", Arch::X86_64), Ok(()));
    }
}
