//! The observer of `ochre strace -p`: shows the system calls of a machine that runs already.

use super::{Printer, StraceOptions};
use crate::observe::Observer;
use crate::observe::guest::Guest;
use crate::observe::talk::Talk;
use crate::status::{self, failure};
use std::io::Write;
use wire::observe::Kind;

/// See the module.
pub(crate) struct Shower {
    settings: Vec<u8>,
    printer: Printer,
    talk: Talk,
}

impl Shower {
    /// With strace's options.
    pub(crate) fn new(options: StraceOptions) -> anyhow::Result<Shower> {
        let settings = options.settings()?;
        let printer = Printer::new(options).map_err(|error| {
            failure(status::USAGE, format!("the file for the system calls cannot be written: {error}"))
        })?;
        Ok(Shower { settings, printer, talk: Talk::open(None, 0)? })
    }

    fn say(&mut self, text: &str) {
        // Nobody listens any more: then there is nobody to tell.
        let _ = self.talk.write_all(text.as_bytes()).and_then(|()| self.talk.flush());
    }
}

impl Observer for Shower {
    fn probes_known(&mut self, _guest: &Guest) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        Ok(vec![(Kind::Strace, self.settings.clone())])
    }

    fn frame(&mut self, _guest: &Guest, kind: Kind, _stream: u8, payload: &[u8]) -> anyhow::Result<()> {
        if kind == Kind::StraceEvent {
            let text = self.printer.take(payload);
            let text = text.map_err(|_| anyhow::anyhow!("an event of a system call is malformed"))?;
            self.say(&text);
        }
        Ok(())
    }

    fn finish(&mut self, _guest: &Guest, _is_cut: bool) -> anyhow::Result<()> {
        let text = self.printer.finish(false);
        self.say(&text);
        Ok(())
    }
}
