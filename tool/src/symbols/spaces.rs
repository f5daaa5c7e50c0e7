//! Which file is mapped where, in which process, at which time: from the events that the guest told while it ran.

use std::collections::HashMap;
use std::sync::Arc;
use wire::observe::{Happened, ProcessEvent};

/// A file mapped to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// First address.
    pub(crate) start: u64,
    /// Address after the last.
    pub(crate) end: u64,
    /// The first address's offset in the file.
    pub(crate) offset: u64,
    /// The file.
    pub(crate) path: Arc<[u8]>,
}

/// What a process's memory held from a tick on: since it was made, or since a program was started in it.
#[derive(Clone, Debug)]
struct Image {
    since: u64,
    /// Mappings with the tick of each, in order.
    mappings: Vec<(u64, Mapping)>,
}

/// A name that held from a tick on.
type Names = Vec<(u64, Arc<str>)>;

/// All processes.
#[derive(Debug, Default)]
pub(crate) struct Spaces {
    images: HashMap<u32, Vec<Image>>,
    /// By task.
    names: HashMap<u32, Names>,
}

/// Most mappings kept of one image: far more than libraries there are.
const MOST_MAPPINGS: usize = 10_000;

impl Spaces {
    /// Takes an event. Those of one process come in order.
    pub(crate) fn take(&mut self, event: &ProcessEvent<'_>) {
        let (pid, ticks) = (event.pid, event.ticks);
        match event.what {
            Happened::Created if event.tid == pid => {
                let parent = u32::try_from(event.words[0]).ok().and_then(|parent| self.images.get(&parent)?.last());
                let mut image = parent.cloned().unwrap_or(Image { since: 0, mappings: Vec::new() });
                image.since = ticks;
                image.mappings.iter_mut().for_each(|(since, _)| *since = ticks);
                self.images.entry(pid).or_default().push(image);
            }
            Happened::Executed => {
                self.images.entry(pid).or_default().push(Image { since: ticks, mappings: Vec::new() });
            }
            Happened::Mapped => {
                let [start, bytes, offset] = event.words;
                let images = self.images.entry(pid).or_default();
                if images.is_empty() {
                    images.push(Image { since: 0, mappings: Vec::new() });
                }
                let end = start.saturating_add(bytes);
                if let Some(image) = images.last_mut().filter(|image| image.mappings.len() < MOST_MAPPINGS) {
                    image.mappings.push((ticks, Mapping { start, end, offset, path: event.path.into() }));
                }
            }
            Happened::Created | Happened::Renamed | Happened::Ended => {}
        }
        if matches!(event.what, Happened::Created | Happened::Executed | Happened::Renamed) {
            let name = String::from_utf8_lossy(event.name).into();
            self.names.entry(event.tid).or_default().push((ticks, name));
        }
    }

    /// What was mapped at an address. The last mapping told before `ticks` counts; else one told after it, for a mapping is told when
    /// it is there already.
    pub(crate) fn mapping(&self, pid: u32, ticks: u64, address: u64) -> Option<&Mapping> {
        let images = self.images.get(&pid)?;
        let image = images.iter().rev().find(|image| image.since <= ticks).or_else(|| images.first())?;
        let covers = |(_, mapping): &&(u64, Mapping)| (mapping.start..mapping.end).contains(&address);
        let before = image.mappings.iter().rev().filter(|(since, _)| *since <= ticks).find(covers);
        before.or_else(|| image.mappings.iter().find(covers)).map(|(_, mapping)| mapping)
    }

    /// What a task was called.
    pub(crate) fn name(&self, tid: u32, ticks: u64) -> Option<Arc<str>> {
        let names = self.names.get(&tid)?;
        names.iter().rev().find(|(since, _)| *since <= ticks).or_else(|| names.first()).map(|(_, name)| name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: Happened, pid: u32, ticks: u64, words: [u64; 3], path: &'static str) -> ProcessEvent<'static> {
        let name = path.rsplit('/').next().unwrap_or("").as_bytes();
        ProcessEvent { what, pid, tid: pid, thread: pid, ticks, words, name, path: path.as_bytes() }
    }

    #[test]
    fn mappings_follow_fork_and_exec() {
        let mut spaces = Spaces::default();
        for told in [
            event(Happened::Executed, 2, 10, [0; 3], "/bin/sh"),
            event(Happened::Mapped, 2, 11, [0x1000, 0x1000, 0], "/bin/sh"),
            event(Happened::Created, 3, 20, [2, 0, 0], "sh"),
            event(Happened::Executed, 3, 30, [0; 3], "/bin/ls"),
            event(Happened::Mapped, 3, 31, [0x1000, 0x1000, 0x2000], "/bin/ls"),
            event(Happened::Mapped, 3, 40, [0x1800, 0x100, 0], "/lib/over.so"),
        ] {
            spaces.take(&told);
        }
        let path = |pid, ticks, address| {
            spaces.mapping(pid, ticks, address).map(|found| String::from_utf8_lossy(&found.path).into_owned())
        };
        assert_eq!(path(2, 50, 0x1000).as_deref(), Some("/bin/sh"));
        assert_eq!(path(3, 25, 0x1fff).as_deref(), Some("/bin/sh"), "as the parent's");
        assert_eq!(path(3, 30, 0x1000).as_deref(), Some("/bin/ls"), "told a little later");
        assert_eq!(path(3, 35, 0x1810).as_deref(), Some("/bin/ls"));
        assert_eq!(path(3, 45, 0x1810).as_deref(), Some("/lib/over.so"));
        assert_eq!((path(3, 45, 0x2000), path(9, 45, 0x1000)), (None, None));
        assert_eq!(spaces.name(3, 25).as_deref(), Some("sh"));
        assert_eq!(spaces.name(3, 35).as_deref(), Some("ls"));
    }
}
