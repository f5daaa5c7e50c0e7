//! Metrics of the guest: `pages` puts together what the kernel sends, `table` shows it, and [`Metrics`] is the observer that asks for it.

mod pages;
mod table;

use crate::observe::Observer;
use crate::observe::guest::Guest;
use crate::observe::talk::Talk;
use crate::status::{self, failure};
use pages::Pages;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use table::{Order, Table};
use wire::observe::Kind;

/// Where metrics go.
pub(crate) enum Target {
    /// A file in Prometheus' text form, always whole.
    File(PathBuf),
    /// A table; on a terminal each replaces the one before.
    Table { talk: Talk, is_terminal: bool },
}

/// Asks for metrics and passes them on.
pub(crate) struct Metrics {
    target: Target,
    period_ms: u32,
    page: Vec<u8>,
    pages: Pages,
    table: Table,
}

impl Metrics {
    /// Every `period_ms` milliseconds.
    pub(crate) fn new(target: Target, period_ms: u32) -> Metrics {
        Metrics { target, period_ms, page: Vec::new(), pages: Pages::default(), table: Table::default() }
    }

    fn show(&mut self) -> anyhow::Result<()> {
        match &mut self.target {
            Target::File(file) => {
                // Whoever reads it meanwhile finds a whole one.
                let new = unfinished(file);
                let written = std::fs::write(&new, self.pages.text()).and_then(|()| std::fs::rename(&new, &file));
                written.map_err(|error| anyhow::anyhow!("cannot write {}: {error}", file.display()))
            }
            Target::Table { talk, is_terminal } => {
                let before = if *is_terminal { "\x1b[H\x1b[J" } else { "" };
                let text = self.table.next(&self.pages, Instant::now());
                // Nobody looks any more: then there is nobody to tell.
                let _ = writeln!(talk, "{before}{text}").and_then(|()| talk.flush());
                Ok(())
            }
        }
    }
}

/// The name under which a page is written before it takes the place of the one before.
fn unfinished(file: &Path) -> PathBuf {
    file.with_extension("new")
}

impl Observer for Metrics {
    /// What cannot be written is told before the program runs.
    fn booting(&mut self, _initramfs: &File, _kernel: &Path) -> anyhow::Result<()> {
        let Target::File(file) = &self.target else { return Ok(()) };
        let new = unfinished(file);
        File::create(&new)
            .and_then(|_| std::fs::remove_file(&new))
            .map_err(|error| failure(status::USAGE, format!("cannot write {}: {error}", file.display())))
    }

    fn probes_known(&mut self, _guest: &Guest) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        Ok(vec![(Kind::Query, self.period_ms.to_le_bytes().to_vec())])
    }

    fn frame(&mut self, _guest: &Guest, kind: Kind, stream: u8, payload: &[u8]) -> anyhow::Result<()> {
        if kind != Kind::Metrics {
            return Ok(());
        }
        if stream == 1 {
            self.page.clear();
        }
        if !payload.is_empty() {
            self.page.extend_from_slice(payload);
            return Ok(());
        }
        self.pages.take(&String::from_utf8_lossy(&self.page));
        self.show()
    }

    fn key(&mut self, _guest: &Guest, key: u8) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        if let Some(order) = Order::of_key(key) {
            self.table.order = order;
        }
        Ok(Vec::new())
    }

    fn finish(&mut self, _guest: &Guest, is_cut: bool) -> anyhow::Result<()> {
        if let Target::Table { talk, .. } = &mut self.target {
            talk.no_longer_raw();
        }
        if is_cut { self.show() } else { Ok(()) }
    }
}
