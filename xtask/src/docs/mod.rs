//! `xtask docs`: writes the pages of `docs/` and the one header that are made from the sources; `xtask check` refuses stale ones.

use crate::tree;
use std::path::PathBuf;

mod calls;
mod fuzz_table;
mod linux;
mod probes;
mod unsafe_inventory;

type Page = (&'static str, fn() -> anyhow::Result<String>);

/// The generated files.
const PAGES: &[Page] = &[
    ("docs/linux.md", linux::page),
    ("docs/probes.md", probes::page),
    ("docs/unsafe.md", unsafe_inventory::page),
    ("user/fuzz/calls.h", fuzz_table::page),
];

fn path(name: &str) -> PathBuf {
    tree::top().join(name)
}

/// Writes all pages.
pub(crate) fn write() -> anyhow::Result<()> {
    for (name, page) in PAGES {
        std::fs::write(path(name), page()?)?;
    }
    Ok(())
}

/// The pages that differ from what would be written.
pub(crate) fn check() -> anyhow::Result<Vec<String>> {
    let mut stale = Vec::new();
    for (name, page) in PAGES {
        if std::fs::read_to_string(path(name)).unwrap_or_default() != page()? {
            stale.push(format!("{name} is stale; run `cargo run -p xtask -- docs`"));
        }
    }
    Ok(stale)
}
