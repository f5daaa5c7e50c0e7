//! What the guest kept for the program: texts, and stacks, whose addresses get names when they are shown.
use super::plan::Stack;
use crate::profile::resolve::FIRST;
use crate::profile::stacks::Frame;
use crate::symbols::{Function, KernelSymbols, Programs, RootFiles, Spaces};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fs::File;
use wire::observe::{KEPT_ABSENT, KEPT_CUT, KeptKind, ProcessEvent, Reader};

/// See the module.
#[derive(Default)]
pub(crate) struct Kept {
    entries: HashMap<u64, Entry>,
    spaces: Spaces,
    booted: Option<(File, Vec<u8>)>,
    symbols: OnceCell<Symbols>,
}

/// What names are looked up in, once they are.
struct Symbols {
    kernel: KernelSymbols,
    programs: Option<RefCell<Programs>>,
}

/// A text or a stack.
enum Entry {
    Text(String),
    Stack { is_user: bool, flags: u8, ticks: u64, pid: u32, addresses: Vec<u64> },
}

/// The functions by which a probe tells of itself begin so.
const TRACING: [&str; 7] = [
    "machine::trace::",
    "kernel::trace::",
    "pure::trace_program::",
    "machine::function_probe::",
    "machine::arch::",
    "x86_",
    "ochre_",
];

impl Kept {
    /// With what the machine boots: the root as an archive, and the kernel's image.
    pub(crate) fn booting(&mut self, root: File, kernel: Vec<u8>) {
        self.booted = Some((root, kernel));
    }

    /// A process event came.
    pub(crate) fn take_event(&mut self, event: &ProcessEvent<'_>) {
        self.spaces.take(event);
    }

    /// What was kept came.
    pub(crate) fn take(&mut self, payload: &[u8]) {
        let mut from = Reader(payload);
        while let Some(kept) = wire::observe::Kept::decode(&mut from) {
            let Some(kept) = kept else { continue };
            let entry = match kept.kind {
                KeptKind::Text => Entry::Text(text(kept.text(), kept.flags)),
                KeptKind::KernelStack => Entry::Stack {
                    is_user: false,
                    flags: kept.flags,
                    ticks: kept.ticks,
                    pid: 0,
                    addresses: kept.words().collect(),
                },
                KeptKind::UserStack => {
                    let mut words = kept.words();
                    let pid = words.next().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
                    let addresses = words.skip(2).collect();
                    self.spaces.want(pid);
                    Entry::Stack { is_user: true, flags: kept.flags, ticks: kept.ticks, pid, addresses }
                }
            };
            self.entries.insert(kept.number.into(), entry);
        }
    }

    /// The text of this number.
    pub(crate) fn text(&self, number: u64) -> String {
        match self.entries.get(&number) {
            Some(Entry::Text(text)) => text.clone(),
            _ => LOST.into(),
        }
    }

    /// The functions of the stack of this number, from the innermost outwards.
    pub(crate) fn frames(&self, number: u64, stack: Stack) -> Vec<Frame> {
        let Some(Entry::Stack { is_user, flags, ticks, pid, addresses }) = self.entries.get(&number) else {
            return vec![made_up(LOST, !stack.is_user)];
        };
        if *is_user {
            let mut frames = self.user_frames(*pid, *ticks, addresses);
            let is_whole = frames.last().is_some_and(|frame| FIRST.contains(&&*frame.function.name));
            let is_short = frames.len() < addresses.len();
            if (is_short || flags & KEPT_CUT != 0) && !is_whole && addresses.len() < stack.frames.into() {
                frames.push(made_up(TRUNCATED, false));
            }
            return frames;
        }
        let mut frames = self.kernel_frames(addresses);
        if flags & KEPT_CUT != 0 && frames.len() < stack.frames.into() {
            frames.push(made_up(TRUNCATED, true));
        }
        frames.truncate(stack.frames.into());
        frames
    }

    /// What of processes could not be kept, as a line.
    pub(crate) fn lost(&self) -> Option<String> {
        self.spaces.lost()
    }

    fn symbols(&self) -> Option<&Symbols> {
        let (root, kernel) = self.booted.as_ref()?;
        Some(self.symbols.get_or_init(|| {
            // A root that cannot be read again has no names.
            let root = root.try_clone().and_then(RootFiles::open).ok();
            let programs = root.map(|root| RefCell::new(Programs::new(root)));
            Symbols { kernel: KernelSymbols::new(kernel.clone()), programs }
        }))
    }

    /// What stands below the probe's own functions.
    fn kernel_frames(&self, addresses: &[u64]) -> Vec<Frame> {
        let function = |address: u64| match self.symbols() {
            Some(symbols) => Frame { function: symbols.kernel.function(address), is_kernel: true },
            None => made_up(&format!("{address:#x}"), true),
        };
        let is_tracing = |address: &u64| {
            let frame = function(*address);
            TRACING.iter().any(|start| frame.function.name.trim_start_matches('<').starts_with(start))
        };
        let rest = addresses.iter().skip_while(|address| is_tracing(address)).enumerate();
        // The first is where the probe stands, perhaps a function's first instruction; after a call that never returns an address may belong
        // to the next function.
        rest.map(|(index, address)| function(if index == 0 { *address } else { address.wrapping_sub(1) })).collect()
    }

    /// As far as the addresses lie in something that is mapped to be executed.
    fn user_frames(&self, pid: u32, ticks: u64, addresses: &[u64]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for (index, address) in addresses.iter().enumerate() {
            let inside = if index == 0 { *address } else { address.wrapping_sub(1) };
            let programs = self.symbols().and_then(|symbols| symbols.programs.as_ref());
            let function = match (self.spaces.mapping(pid, ticks, inside), programs) {
                (Some(mapping), Some(programs)) => programs.borrow_mut().function(mapping, inside),
                (None, Some(_)) if index != 0 => break,
                _ => Function { name: format!("{address:#x}").into(), file: "".into() },
            };
            frames.push(Frame { function, is_kernel: false });
        }
        frames
    }
}

/// What stands for something that found no room.
const LOST: &str = "(lost)";
const TRUNCATED: &str = "[truncated]";

fn made_up(name: &str, is_kernel: bool) -> Frame {
    Frame { function: Function { name: name.into(), file: "".into() }, is_kernel }
}

/// A text, with marks for what is missing.
fn text(bytes: &[u8], flags: u8) -> String {
    if bytes.is_empty() && flags & KEPT_ABSENT != 0 {
        return "(not present)".into();
    }
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    if flags & (KEPT_CUT | KEPT_ABSENT) != 0 {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observe::{Happened, Writer};

    fn kept(entries: &[(u32, &[u64])]) -> Kept {
        let mut bytes = [0; 1024];
        let mut out = Writer::new(&mut bytes);
        for (number, words) in entries {
            wire::observe::Kept::encode(*number, 50, words.iter().copied(), &mut out);
        }
        let used = out.finish().unwrap();
        let mut kept = Kept::default();
        kept.take(&bytes[..used]);
        kept
    }

    #[test]
    fn texts_have_marks_for_what_is_missing() {
        let word = u64::from_le_bytes(*b"/etc/pas");
        let kept = kept(&[
            (1, &[KeptKind::Text.head(0, 4), word]),
            (2, &[KeptKind::Text.head(KEPT_CUT, 8), word]),
            (3, &[KeptKind::Text.head(KEPT_ABSENT, 0)]),
            (4, &[KeptKind::Text.head(KEPT_ABSENT, 1), word]),
            (5, &[KeptKind::Text.head(0, 0)]),
        ]);
        let texts: Vec<String> = (1..=6).map(|number| kept.text(number)).collect();
        assert_eq!(texts, ["/etc", "/etc/pas...", "(not present)", "/...", "", "(lost)"]);
    }

    #[test]
    fn stacks_are_believed_as_far_as_something_is_mapped() {
        let head = KeptKind::UserStack.head(KEPT_CUT, 3);
        let mut kept =
            kept(&[(1, &[head, 7, 0, 0, 0x1010, 0x1020, 0x99_0000]), (2, &[KeptKind::KernelStack.head(0, 2), 5, 6])]);
        let (words, name, path) = ([0x1000, 0x1000, 0], &b"sh"[..], &b"/bin/sh"[..]);
        kept.take_event(&ProcessEvent {
            what: Happened::Mapped,
            pid: 7,
            tid: 7,
            thread: 1,
            ticks: 1,
            words,
            name,
            path,
        });
        // Without the root there are only addresses.
        let names = |number, is_user, frames| -> Vec<String> {
            let frames = kept.frames(number, Stack { is_user, frames });
            frames.iter().map(|frame| frame.function.name.to_string()).collect()
        };
        assert_eq!(names(1, true, 100), ["0x1010", "0x1020", "0x990000", "[truncated]"]);
        assert_eq!(names(2, false, 1), ["0x5"]);
        assert_eq!(names(3, true, 9), ["(lost)"]);
    }
}
