//! What the guest sent for a profile: samples as they came, what happened to processes, what JIT compilers told. Names are found when the
//! run is over, since a file may be mapped, and a process named, after its first sample.

use super::spool::Spool;
use crate::symbols::{PerfMap, Spaces};
use std::collections::HashMap;
use std::io;
use wire::observe::{FILE_BEGINS, Kind, ProcessEvent, Reader};
use wire::sample::{Counts, Samples};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Samples, each as a row of words.
    pub(crate) samples: Spool,
    /// What each CPU counted since boot, as last told.
    counts: HashMap<u8, Counts>,
    /// The processes.
    spaces: Spaces,
    /// Files by path.
    files: HashMap<Vec<u8>, Vec<u8>>,
}

/// Most bytes kept of all files together.
const MOST_FILE_BYTES: usize = 256 << 20;

impl Gathered {
    /// Takes a frame; those of other kinds are not for us.
    pub(crate) fn take(&mut self, kind: Kind, stream: u8, payload: &[u8]) -> io::Result<()> {
        match kind {
            Kind::Samples => {
                let words: Vec<u64> = payload.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
                // Each time sampling ends, all is told again.
                self.counts.extend(Counts::all(&words));
                for sample in Samples::of(&words).filter(|sample| sample.head.task != 0) {
                    self.spaces.want(sample.head.process());
                }
                self.samples.add(words.into_iter())?;
            }
            Kind::Process => {
                let mut from = Reader(payload);
                while let Some(event) = ProcessEvent::decode(&mut from) {
                    self.spaces.take(&event);
                }
            }
            Kind::File => {
                if let Some(end) = payload.iter().position(|byte| *byte == 0) {
                    let (path, piece) = (&payload[..end], &payload[end + 1..]);
                    if stream == FILE_BEGINS {
                        self.files.remove(path);
                    }
                    let kept: usize = self.files.values().map(Vec::len).sum();
                    if kept + piece.len() <= MOST_FILE_BYTES {
                        self.files.entry(path.to_vec()).or_default().extend_from_slice(piece);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The processes.
    pub(crate) fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    /// A file that the guest sent.
    pub(crate) fn file(&self, path: &[u8]) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// What JIT compilers told, by process.
    pub(crate) fn perf_maps(&self) -> HashMap<u32, PerfMap> {
        let maps = self.files.iter().filter_map(|(path, text)| Some((PerfMap::pid(path)?, PerfMap::parse(text))));
        maps.collect()
    }

    /// Forgets the samples, but not what is known of processes that live.
    pub(crate) fn forget_samples(&mut self) {
        self.samples.clear();
        self.spaces.want_nothing();
    }

    /// What all CPUs together counted since boot, as last told.
    pub(crate) fn counts(&self) -> Counts {
        self.counts.values().fold(Counts::default(), |sum, counts| Counts {
            user: sum.user.saturating_add(counts.user),
            kernel: sum.kernel.saturating_add(counts.kernel),
            idle: sum.idle.saturating_add(counts.idle),
            missed: sum.missed.saturating_add(counts.missed),
            lost: sum.lost.saturating_add(counts.lost),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_put_together() {
        let mut gathered = Gathered::default();
        // Each time sampling ends the file is sent anew.
        for _ in 0..2 {
            gathered.take(Kind::File, FILE_BEGINS, b"/tmp/perf-5.map\x00100 10 a\n20").unwrap();
            gathered.take(Kind::File, FILE_BEGINS + 1, b"/tmp/perf-5.map\x000 8 b\n").unwrap();
        }
        gathered.take(Kind::File, FILE_BEGINS, b"no end").unwrap();
        assert_eq!(gathered.file(b"/tmp/perf-5.map").map(<[u8]>::len), Some(17));
        let maps = gathered.perf_maps();
        assert_eq!(maps[&5].function(0x203), Some("b"));
        for cpu in 0..2 {
            let counts = Counts { user: 1, kernel: 2, idle: 3, missed: 4, lost: 5 };
            let bytes: Vec<u8> = counts.record(cpu).iter().flat_map(|word| word.to_le_bytes()).collect();
            gathered.take(Kind::Samples, 0, &[bytes.clone(), bytes].concat()).unwrap();
        }
        assert_eq!(gathered.counts(), Counts { user: 2, kernel: 4, idle: 6, missed: 8, lost: 10 });
        gathered.take(Kind::Process, 0, &[9; 40]).unwrap();
        assert!(gathered.spaces().mapping(0, 0, 0).is_none());
    }
}
