//! The root that both kernels boot: BusyBox or what `--root` gives, the benchmark programs in `/bench`, and Ochre's run description,
//! which Linux sees as a file like any other.

use crate::arch::Arch;
use crate::home::Home;
use crate::root::default;
use crate::root::initramfs::{Source, Unfinished};
use crate::setup::busybox;
use crate::suite::programs::Programs;
use std::fs::File;
use std::path::Path;
use wire::config::{Description, Terminal};

/// The program that only tells that it runs: for start and memory it is alone.
pub(crate) const FIRST: &str = "/bench/first";

/// Makes the initramfs whose Ochre run is `arguments`, the first of them a path in the root.
pub(crate) fn make(
    home: &Home,
    arch: Arch,
    host: Option<&Path>,
    programs: &Programs,
    arguments: &[&str],
) -> anyhow::Result<File> {
    let source = match host {
        Some(path) => Source::Host(path),
        None => Source::Default(default::open(home, arch, &busybox::ensure(home, arch)?)?),
    };
    let mut initramfs = Unfinished::new(source, 4096)?;
    // Where start and memory are measured the others, some of them large, would only be in the way.
    let is_alone = arguments[0] == FIRST;
    for name in programs.names.iter().filter(|name| !is_alone || FIRST.strip_prefix("/bench/") == Some(name.as_str())) {
        let guest = format!("bench/{name}");
        initramfs.add_file(guest.as_bytes(), &programs.directory.join(name), 0o755)?;
    }
    let words: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
    initramfs.finish(&Description {
        program: words[0],
        arguments: &words,
        environment: &[],
        workdir: b"/",
        hostname: b"ochre",
        terminal: Terminal { descriptors: 0, rows: 0, columns: 0 },
        epoch_ns: 0,
        flags: 0,
        strace: b"",
    })
}
