//! Which file is mapped where, in which process, at which time: from the events that the guest told while it ran.
//!
//! What the guest tells is without end, so what is over (a process that has ended, a program that another one replaced, a name that was
//! changed) is forgotten some thousand such events later, for records that tell of it come a little after it. What [`Spaces::want`] has asked
//! for stays. A child has its parent's mappings in common with it. And all together is bounded: what finds no room is counted and told.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

/// Mappings that were told, with the tick of each and in order, on top of others.
#[derive(Debug, Default)]
struct Layer {
    below: Option<Arc<Layer>>,
    /// Of it and those below.
    depth: usize,
    count: usize,
    mappings: Vec<(u64, Mapping)>,
    /// What of the room it takes.
    room: Room,
}

/// Bytes that are in use, of which some are of this.
#[derive(Debug, Default)]
struct Room {
    all: Arc<AtomicUsize>,
    here: usize,
}

/// What a process's memory held from a tick on: since it was made, or since a program was started in it.
#[derive(Debug)]
struct Image {
    since: u64,
    /// Shared with children as soon as there are some.
    mappings: Arc<Layer>,
    _room: Room,
}

/// What a process's memory held.
#[derive(Debug, Default)]
struct Process {
    images: VecDeque<Image>,
    /// What was before that is forgotten.
    forgotten: u64,
    /// Tasks that live.
    tasks: HashSet<u32>,
}

/// A name that held from a tick on.
#[derive(Debug)]
struct Name {
    since: u64,
    name: Arc<str>,
    _room: Room,
}

/// What is over: of this process the images before a tick, of this task the names before a tick (0: none).
#[derive(Clone, Copy, Debug)]
struct Over {
    pid: u32,
    tid: u32,
    images_before: u64,
    names_before: u64,
}

/// All processes.
#[derive(Debug, Default)]
pub(crate) struct Spaces {
    processes: HashMap<u32, Process>,
    /// By task.
    names: HashMap<u32, VecDeque<Name>>,
    /// The oldest first.
    over: VecDeque<Over>,
    /// What would have been forgotten, were it not wanted.
    kept: Vec<Over>,
    /// By process.
    wanted: HashSet<u32>,
    bytes: Arc<AtomicUsize>,
    /// Events for which there was no room.
    refused: u64,
    /// A bit for each process and task of which something was forgotten.
    forgotten: Vec<u64>,
    /// Addresses and names that were asked for after they were forgotten.
    missed: AtomicU64,
}

/// Most mappings kept of one image: far more than libraries there are.
const MOST_MAPPINGS: usize = 10_000;
/// So many mappings back one may be told again.
const LATELY: usize = 16;
/// Most layers: more become one.
const MOST_LAYERS: usize = 32;
/// What is over stays until so much else is.
const RECENT: usize = 4096;
/// Most bytes of everything.
const MOST_BYTES: usize = 256 << 20;
/// Bytes that a thing takes beside its text, roughly.
const ROUGHLY: usize = 96;

/// Greater numbers processes and tasks do not get.
const MOST_PIDS: u32 = 1 << 22;

/// Where a number's bit is.
fn place_of(number: u32) -> (usize, u64) {
    // CAST: usize has 64 bits here.
    (number as usize / 64, 1 << (number % 64))
}

impl Room {
    /// Takes so many bytes, if there are.
    fn take(all: &Arc<AtomicUsize>, bytes: usize) -> Option<Room> {
        if all.load(Ordering::Relaxed) + bytes > MOST_BYTES {
            return None;
        }
        all.fetch_add(bytes, Ordering::Relaxed);
        Some(Room { all: all.clone(), here: bytes })
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let more = Room::take(&self.all, bytes);
        more.map(|mut more| self.here += std::mem::take(&mut more.here)).is_some()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.here, Ordering::Relaxed);
    }
}

fn bytes_of(mapping: &Mapping) -> usize {
    ROUGHLY + mapping.path.len()
}

impl Layer {
    fn new(all: &Arc<AtomicUsize>) -> Layer {
        Layer { room: Room { all: all.clone(), here: 0 }, ..Layer::default() }
    }

    /// From the last one told to the first.
    fn newest_first(&self) -> impl Iterator<Item = &(u64, Mapping)> {
        let layers = std::iter::successors(Some(self), |layer| layer.below.as_deref());
        layers.flat_map(|layer| layer.mappings.iter().rev())
    }

    /// Adds one, without changing what others share. False: there is no room.
    fn add(self: &mut Arc<Layer>, since: u64, mapping: Mapping) -> bool {
        // A library that is opened again and again, each time in the same place, is told each time.
        let overlaps = |(_, old): &&(u64, Mapping)| old.start < mapping.end && mapping.start < old.end;
        if self.newest_first().take(LATELY).find(overlaps).is_some_and(|(_, old)| *old == mapping) {
            return true;
        }
        if self.count >= MOST_MAPPINGS {
            return false;
        }
        if Arc::get_mut(self).is_none() {
            let Some(own) = self.on_top() else { return false };
            *self = Arc::new(own);
        }
        let Some(own) = Arc::get_mut(self) else { return false };
        if !own.room.grow(bytes_of(&mapping)) {
            return false;
        }
        let place = own.mappings.partition_point(|(other, _)| *other <= since);
        own.mappings.insert(place, (since, mapping));
        own.count += 1;
        true
    }

    /// An empty layer above this one, or a copy of all layers if there are many.
    fn on_top(self: &Arc<Layer>) -> Option<Layer> {
        let mut own = Layer::new(&self.room.all);
        own.count = self.count;
        if self.depth + 1 < MOST_LAYERS {
            own.depth = self.depth + 1;
            own.below = Some(self.clone());
            return Some(own);
        }
        if !own.room.grow(self.newest_first().map(|(_, mapping)| bytes_of(mapping)).sum()) {
            return None;
        }
        own.mappings = self.newest_first().cloned().collect();
        own.mappings.reverse();
        Some(own)
    }
}

impl Process {
    /// What its memory held at a tick: the last told before, else the first one, for it is told a little later.
    fn image(&self, ticks: u64) -> Option<&Image> {
        let place = self.images.partition_point(|image| image.since <= ticks);
        self.images.get(place.saturating_sub(1))
    }
}

impl Spaces {
    /// Takes an event. Those of one process come in order, but for what it was when somebody began to listen, which is told late.
    pub(crate) fn take(&mut self, event: &ProcessEvent<'_>) {
        let (pid, tid, ticks) = (event.pid, event.tid, event.ticks);
        match event.what {
            Happened::Created => {
                if tid == pid {
                    let parent = u32::try_from(event.words[0]).ok();
                    let parent = parent.and_then(|parent| self.processes.get(&parent)?.image(ticks));
                    let mappings = parent.map(|image| image.mappings.clone());
                    self.begin(pid, ticks, mappings);
                }
                if let Some(process) = self.processes.get_mut(&pid) {
                    process.tasks.insert(tid);
                }
            }
            Happened::Executed => {
                self.begin(pid, ticks, None);
                // The one that called has the process's number from now on; the others tell their end.
                if let Some(process) = self.processes.get_mut(&pid) {
                    process.tasks.insert(pid);
                }
                self.is_over(Over { pid, tid, images_before: ticks, names_before: ticks });
            }
            Happened::Mapped => self.map(event),
            Happened::Renamed => self.is_over(Over { pid, tid, images_before: 0, names_before: ticks }),
            Happened::Ended => {
                let after = ticks.saturating_add(1);
                let is_last = self.processes.get_mut(&pid).is_none_or(|process| {
                    process.tasks.remove(&tid);
                    process.tasks.is_empty()
                });
                let images_before = if is_last { after } else { 0 };
                self.is_over(Over { pid, tid, images_before, names_before: after });
            }
        }
        if matches!(event.what, Happened::Created | Happened::Executed | Happened::Renamed) {
            let name: Arc<str> = String::from_utf8_lossy(event.name).into();
            match Room::take(&self.bytes, ROUGHLY + name.len()) {
                Some(room) => {
                    let names = self.names.entry(tid).or_default();
                    let place = names.partition_point(|name| name.since <= ticks);
                    names.insert(place, Name { since: ticks, name, _room: room });
                }
                None => {
                    // What it was called before would be wrong.
                    self.names.remove(&tid);
                    self.refused += 1;
                }
            }
        }
    }

    /// What a process's memory holds from now on.
    fn begin(&mut self, pid: u32, ticks: u64, mappings: Option<Arc<Layer>>) {
        let Some(room) = Room::take(&self.bytes, ROUGHLY) else {
            // What was there before would be wrong.
            self.processes.remove(&pid);
            self.refused += 1;
            return;
        };
        let mappings = mappings.unwrap_or_else(|| Arc::new(Layer::new(&self.bytes)));
        let image = Image { since: ticks, mappings, _room: room };
        let images = &mut self.processes.entry(pid).or_default().images;
        images.insert(images.partition_point(|image| image.since <= ticks), image);
    }

    fn map(&mut self, event: &ProcessEvent<'_>) {
        let [start, bytes, offset] = event.words;
        let mapping = Mapping { start, end: start.saturating_add(bytes), offset, path: event.path.into() };
        if self.processes.get(&event.pid).is_none_or(|process| process.images.is_empty()) {
            self.begin(event.pid, 0, None);
        }
        let images = self.processes.get_mut(&event.pid).map(|process| &mut process.images);
        let image = images.and_then(|images| {
            let place = images.partition_point(|image| image.since <= event.ticks);
            images.get_mut(place.saturating_sub(1))
        });
        if !image.is_some_and(|image| image.mappings.add(event.ticks, mapping)) {
            self.refused += 1;
        }
    }

    fn is_over(&mut self, over: Over) {
        self.over.push_back(over);
        if self.over.len() > RECENT
            && let Some(oldest) = self.over.pop_front()
        {
            if self.wanted.contains(&oldest.pid) {
                self.kept.push(oldest);
            } else {
                self.forget(oldest);
            }
        }
    }

    fn forget(&mut self, over: Over) {
        let Over { pid, tid, images_before, names_before } = over;
        [pid, tid].into_iter().filter(|number| *number < MOST_PIDS).for_each(|number| {
            let (place, bit) = place_of(number);
            if self.forgotten.len() <= place {
                self.forgotten.resize(place + 1, 0);
            }
            self.forgotten[place] |= bit;
        });
        if let Some(process) = self.processes.get_mut(&pid) {
            while process.images.front().is_some_and(|image| image.since < images_before) {
                process.images.pop_front();
            }
            process.forgotten = process.forgotten.max(images_before);
            if process.images.is_empty() && process.tasks.is_empty() {
                self.processes.remove(&pid);
            }
        }
        if let Some(names) = self.names.get_mut(&tid) {
            while names.front().is_some_and(|name| name.since < names_before) {
                names.pop_front();
            }
            if names.is_empty() {
                self.names.remove(&tid);
            }
        }
    }

    /// Something of this process is to be looked up later: what is known of it stays, if there is room.
    pub(crate) fn want(&mut self, pid: u32) {
        self.wanted.insert(pid);
    }

    /// Nothing that was wanted is wanted any more.
    pub(crate) fn want_nothing(&mut self) {
        self.wanted.clear();
        let kept = std::mem::take(&mut self.kept);
        kept.into_iter().for_each(|over| self.forget(over));
    }

    /// What was mapped at an address. The last mapping told before `ticks` counts; else one told after it, for a mapping is told when
    /// it is there already.
    pub(crate) fn mapping(&self, pid: u32, ticks: u64, address: u64) -> Option<&Mapping> {
        let Some(process) = self.processes.get(&pid).filter(|process| ticks >= process.forgotten) else {
            return self.miss(pid);
        };
        let image = process.image(ticks)?;
        let covers = |(_, mapping): &&(u64, Mapping)| (mapping.start..mapping.end).contains(&address);
        let before = image.mappings.newest_first().filter(|(since, _)| *since <= ticks).find(covers);
        before.or_else(|| image.mappings.newest_first().filter(covers).last()).map(|(_, mapping)| mapping)
    }

    /// What a task was called.
    pub(crate) fn name(&self, tid: u32, ticks: u64) -> Option<Arc<str>> {
        let Some(names) = self.names.get(&tid) else { return self.miss(tid) };
        let place = names.partition_point(|name| name.since <= ticks);
        names.get(place.saturating_sub(1)).map(|name| name.name.clone())
    }

    fn miss<T>(&self, number: u32) -> Option<T> {
        let (place, bit) = place_of(number);
        if self.forgotten.get(place).is_some_and(|bits| bits & bit != 0) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        None
    }

    /// What could not be kept, as a line; `None` if that makes no difference.
    pub(crate) fn lost(&self) -> Option<String> {
        let missed = self.missed.load(Ordering::Relaxed);
        if self.refused == 0 && missed == 0 {
            return None;
        }
        let refused = self.refused;
        Some(format!(
            "ochre: of processes, {refused} events found no room and {missed} were forgotten too early: names are missing\n"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: Happened, pid: u32, ticks: u64, words: [u64; 3], path: &str) -> ProcessEvent<'_> {
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
            event(Happened::Mapped, 2, 25, [0x1000, 0x1000, 0], "/lib/only-the-parents.so"),
            event(Happened::Executed, 3, 30, [0; 3], "/bin/ls"),
            event(Happened::Mapped, 3, 31, [0x1000, 0x1000, 0x2000], "/bin/ls"),
            event(Happened::Mapped, 3, 40, [0x1800, 0x100, 0], "/lib/over.so"),
        ] {
            spaces.take(&told);
        }
        let path = |pid, ticks, address| {
            spaces.mapping(pid, ticks, address).map(|found| String::from_utf8_lossy(&found.path).into_owned())
        };
        assert_eq!(path(2, 24, 0x1000).as_deref(), Some("/bin/sh"));
        assert_eq!(path(2, 50, 0x1000).as_deref(), Some("/lib/only-the-parents.so"));
        assert_eq!(path(3, 28, 0x1fff).as_deref(), Some("/bin/sh"), "as the parent's");
        assert_eq!(path(3, 30, 0x1000).as_deref(), Some("/bin/ls"), "told a little later");
        assert_eq!(path(3, 35, 0x1810).as_deref(), Some("/bin/ls"));
        assert_eq!(path(3, 45, 0x1810).as_deref(), Some("/lib/over.so"));
        assert_eq!((path(3, 45, 0x2000), path(9, 45, 0x1000)), (None, None));
        assert_eq!(spaces.name(3, 25).as_deref(), Some("sh"));
        assert_eq!(spaces.name(3, 35).as_deref(), Some("ls"));
        assert_eq!(spaces.lost(), None);
    }

    /// Somebody begins to listen at 10, to a process that starts another program meanwhile.
    #[test]
    fn what_was_there_is_told_late() {
        let mut spaces = Spaces::default();
        for told in [
            event(Happened::Executed, 2, 12, [0; 3], "/bin/new"),
            event(Happened::Mapped, 2, 13, [0x1000, 0x1000, 0], "/bin/new"),
            event(Happened::Created, 2, 10, [1, 0, 0], "old"),
            event(Happened::Executed, 2, 10, [0; 3], "/bin/old"),
            event(Happened::Mapped, 2, 10, [0x1000, 0x1000, 0], "/bin/old"),
        ] {
            spaces.take(&told);
        }
        let path = |ticks| spaces.mapping(2, ticks, 0x1000).map(|found| found.path.to_vec());
        assert_eq!(path(11).as_deref(), Some(&b"/bin/old"[..]));
        assert_eq!(path(20).as_deref(), Some(&b"/bin/new"[..]));
        assert_eq!((spaces.name(2, 11).as_deref(), spaces.name(2, 20).as_deref()), (Some("old"), Some("new")));
        spaces.take(&event(Happened::Ended, 2, 30, [0; 3], ""));
        assert!(spaces.processes[&2].tasks.is_empty());
    }

    /// A shell with many mappings that makes a hundred thousand processes, each with more.
    #[test]
    fn processes_that_ended_are_forgotten() {
        let mut spaces = Spaces::default();
        spaces.take(&event(Happened::Created, 2, 1, [0; 3], "init"));
        spaces.take(&event(Happened::Executed, 2, 1, [0; 3], "/bin/sh"));
        for number in 0..1000 {
            spaces.take(&event(Happened::Mapped, 2, 2, [number << 12, 0x1000, 0], "/bin/sh"));
        }
        let mut most = 0;
        for number in 0..100_000u32 {
            let (pid, ticks) = (10 + number, 10 + 10 * u64::from(number));
            spaces.take(&event(Happened::Created, pid, ticks, [2, 0, 0], "sh"));
            // Parent and child go ways of their own.
            if number < 5000 {
                spaces.take(&event(
                    Happened::Mapped,
                    2,
                    ticks + 1,
                    [u64::from(number) << 40, 0x1000, 0],
                    "/lib/parent.so",
                ));
            }
            spaces.take(&event(Happened::Mapped, pid, ticks + 1, [1 << 40, 0x1000, 0], "/lib/child.so"));
            if number == 7 {
                spaces.want(pid);
            }
            spaces.take(&event(Happened::Executed, pid, ticks + 2, [0; 3], "/bin/true"));
            spaces.take(&event(Happened::Mapped, pid, ticks + 3, [0x1000, 0x1000, 0], "/bin/true"));
            spaces.take(&event(Happened::Ended, pid, ticks + 4, [0; 3], ""));
            most = most.max(spaces.bytes.load(Ordering::Relaxed));
        }
        let path = |pid, ticks, address| spaces.mapping(pid, ticks, address).map(|found| found.path.to_vec());
        assert_eq!(path(17, 81, 1 << 40).as_deref(), Some(&b"/lib/child.so"[..]), "what is wanted stays");
        assert_eq!(path(17, 81, 5 << 12).as_deref(), Some(&b"/bin/sh"[..]));
        assert_eq!(path(2, 1_000_003, 999 << 12).as_deref(), Some(&b"/bin/sh"[..]));
        assert_eq!(path(100_009, 1_000_003, 0x1000).as_deref(), Some(&b"/bin/true"[..]), "the last one");
        assert_eq!(spaces.name(100_009, 1_000_003).as_deref(), Some("true"));
        assert!(spaces.processes.len() < RECENT && spaces.names.len() < RECENT, "{}", spaces.processes.len());
        assert!(most < 64 << 20, "{most} bytes");
        assert_eq!(spaces.lost(), None);
        assert_eq!(path(18, 91, 1 << 40), None);
        assert!(spaces.lost().is_some_and(|line| line.contains("0 events") && line.contains("1 were")));
        spaces.want_nothing();
        assert!(spaces.mapping(17, 81, 1 << 40).is_none());
    }

    /// Without an end to anything there is a bound, and it is told.
    #[test]
    fn what_finds_no_room_is_told() {
        let mut spaces = Spaces::default();
        let path = format!("/{}", "x".repeat(4000));
        for pid in 1..100_000 {
            spaces.take(&event(Happened::Executed, pid, 1, [0; 3], "/bin/x"));
            spaces.take(&event(Happened::Mapped, pid, 2, [0x1000, 0x1000, 0], &path));
        }
        assert!(spaces.bytes.load(Ordering::Relaxed) <= MOST_BYTES);
        assert!(spaces.lost().is_some());
        assert!(spaces.mapping(99_999, 5, 0x1000).is_none(), "rather nothing than something wrong");
        drop(std::mem::take(&mut spaces.processes));
        drop(std::mem::take(&mut spaces.names));
        assert_eq!(spaces.bytes.load(Ordering::Relaxed), 0, "all is given back");
    }

    /// A process that starts programs, is renamed and makes threads for ever.
    #[test]
    fn one_process_without_end_stays_small() {
        let mut spaces = Spaces::default();
        spaces.take(&event(Happened::Created, 5, 1, [0; 3], "x"));
        for ticks in (10..1_000_000).step_by(10) {
            spaces.take(&event(Happened::Executed, 5, ticks, [0; 3], "/bin/x"));
            spaces.take(&event(Happened::Mapped, 5, ticks + 1, [0x1000, 0x1000, 0], "/bin/x"));
            spaces.take(&event(Happened::Mapped, 7, ticks + 1, [0x1000, 0x1000, 0], "/lib/again.so"));
            spaces.take(&event(Happened::Renamed, 5, ticks + 2, [0; 3], "y"));
            let thread = ProcessEvent { tid: 6, ..event(Happened::Created, 5, ticks + 3, [0; 3], "t") };
            spaces.take(&thread);
            spaces.take(&ProcessEvent { what: Happened::Ended, ticks: ticks + 4, ..thread });
        }
        assert_eq!(
            spaces.mapping(5, 999_999, 0x1000).map(|found| found.path.to_vec()).as_deref(),
            Some(&b"/bin/x"[..])
        );
        assert_eq!(spaces.name(5, 999_999).as_deref(), Some("y"));
        assert_eq!((spaces.processes[&7].images[0].mappings.count, spaces.lost()), (1, None));
        assert!(spaces.processes[&5].images.len() < RECENT && spaces.names[&5].len() < RECENT);
        assert!(spaces.names.get(&6).is_none_or(|names| names.len() < RECENT));
    }
}
