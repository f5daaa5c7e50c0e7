//! What the guest told of itself: its clock, its probes, its processes, and what was lost on the way.
use std::collections::HashMap;
use wire::observe::{Dropped, Drops, Happened, Hello, Kind, ProbeDescription, ProcessEvent, Reader, VERSION};
use wire::trace::{ArgumentKind, Record};

/// A probe of the guest's kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Provider in the high byte, probe in the low byte.
    pub(crate) id: u16,
    /// First part of its name.
    pub(crate) provider: String,
    /// Last part of its name.
    pub(crate) name: String,
    /// Its arguments.
    pub(crate) arguments: Vec<(String, ArgumentKind)>,
}

/// A task, as far as it was told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Task {
    /// The process.
    pub(crate) pid: u32,
    /// The task.
    pub(crate) tid: u32,
    /// Its comm.
    pub(crate) name: String,
}

/// All that is known.
#[derive(Debug, Default)]
pub(crate) struct Guest {
    /// Its first words, once they came.
    pub(crate) hello: Option<Hello>,
    probes: HashMap<u16, Probe>,
    /// By the kernel's number of the thread: what it was from which tick on, in the order in which it was told.
    tasks: HashMap<u32, Vec<(u64, Task)>>,
    calls: HashMap<u16, String>,
    dropped: HashMap<Dropped, u64>,
    /// What the guest refused to do.
    pub(crate) refusals: Vec<String>,
}

impl Guest {
    /// Takes a frame that tells about the guest. `Ok(true)`: all probes are known now.
    pub(crate) fn take(&mut self, kind: Kind, payload: &[u8]) -> anyhow::Result<bool> {
        match kind {
            Kind::Hello => {
                let hello = Hello::decode(payload).ok_or_else(|| anyhow::anyhow!("the guest's hello is too short"))?;
                anyhow::ensure!(hello.version <= VERSION, "the guest's observation channel is newer than this tool");
                self.hello = Some(hello);
            }
            Kind::Probes if payload.is_empty() => return Ok(true),
            Kind::Probes => self.take_probes(payload),
            Kind::Calls => {
                let mut from = Reader(payload);
                while let (Some(number), Some(name)) = (from.u16(), from.text()) {
                    self.calls.insert(number, String::from_utf8_lossy(name).into_owned());
                }
            }
            Kind::Process => {
                let mut from = Reader(payload);
                while let Some(event) = ProcessEvent::decode(&mut from) {
                    self.take_event(&event);
                }
            }
            Kind::Drops => {
                if let Some(drops) = Drops::decode(payload) {
                    *self.dropped.entry(drops.what).or_default() += drops.count;
                }
            }
            Kind::Refused => self.refusals.push(String::from_utf8_lossy(payload).into_owned()),
            _ => {}
        }
        Ok(false)
    }

    fn take_probes(&mut self, payload: &[u8]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut from = Reader(payload);
        while let Some(described) = ProbeDescription::decode(&mut from) {
            let mut arguments = Vec::new();
            let mut rest = Reader(described.arguments);
            while let (Some(kind), Some(name)) = (rest.u8(), rest.text()) {
                arguments.push((text(name), ArgumentKind::from_u8(kind).unwrap_or(ArgumentKind::Hex)));
            }
            let (provider, name) = (text(described.provider), text(described.name));
            self.probes.insert(described.id, Probe { id: described.id, provider, name, arguments });
        }
    }

    fn take_event(&mut self, event: &ProcessEvent<'_>) {
        let told = self.tasks.entry(event.thread).or_default();
        let name = match event.what {
            Happened::Created | Happened::Executed | Happened::Renamed => {
                String::from_utf8_lossy(event.name).into_owned()
            }
            Happened::Mapped | Happened::Ended => return,
        };
        // A thread is told of when it first runs: what its number meant before that is the same task.
        let ticks = if event.what == Happened::Created { 0 } else { event.ticks };
        // What there was when somebody began to listen may be told after what happened to it since.
        let place = told.partition_point(|(since, _)| *since <= ticks);
        told.insert(place, (ticks, Task { pid: event.pid, tid: event.tid, name }));
    }

    /// The probe with this number.
    pub(crate) fn probe(&self, id: u16) -> Option<&Probe> {
        self.probes.get(&id)
    }

    /// Every probe, in order of their numbers.
    pub(crate) fn probes(&self) -> Vec<&Probe> {
        let mut all: Vec<&Probe> = self.probes.values().collect();
        all.sort_by_key(|probe| probe.id);
        all
    }

    /// The name of a system call on the guest's architecture.
    pub(crate) fn call(&self, number: u64) -> Option<&str> {
        self.calls.get(&u16::try_from(number).ok()?).map(String::as_str)
    }

    /// Which system call a record of the `syscall` provider is about: its function, as DTrace's users know it.
    pub(crate) fn call_of(&self, record: &Record) -> Option<&str> {
        let probe = self.probe(record.head.probe)?;
        if probe.provider == "syscall" { self.call(*record.values().first()?) } else { None }
    }

    /// Whose thread the kernel's thread `thread` was at `ticks`; `None`: the kernel's own.
    pub(crate) fn task(&self, thread: u32, ticks: u64) -> Option<&Task> {
        let told = self.tasks.get(&thread)?;
        told.iter().rev().find(|(since, _)| *since <= ticks).map(|(_, task)| task)
    }

    /// Nanoseconds of the raw clock `ticks` since the guest said hello (negative: before).
    pub(crate) fn nanoseconds(&self, ticks: u64) -> i64 {
        let Some(hello) = self.hello else { return 0 };
        let difference = i128::from(ticks) - i128::from(hello.ticks);
        let ns = difference * 1_000_000_000 / i128::from(hello.ticks_per_second.max(1));
        i64::try_from(ns).unwrap_or(i64::MAX)
    }

    /// One sentence about what was lost, if anything was.
    pub(crate) fn losses(&self) -> Option<String> {
        let count = |what| self.dropped.get(&what).copied().unwrap_or(0);
        let named = [
            (
                Dropped::Records,
                "records that were overwritten before they were read (ochre.ring=RECORDS makes rings longer)",
            ),
            (Dropped::Frames, "frames for which the channel had no room"),
            (Dropped::Samples, "samples"),
            (Dropped::Updates, "updates of aggregations or variables (their tables were full)"),
            (Dropped::Output, "outputs of the trace program"),
            (Dropped::Kept, "stacks or texts of the trace program (their table was full)"),
            (
                Dropped::Places,
                "places of functions of programs, for which there was no room or where the code is another",
            ),
        ];
        let told: Vec<String> = named
            .into_iter()
            .filter(|(what, _)| count(*what) != 0)
            .map(|(what, text)| format!("{} {text}", count(what)))
            .collect();
        (!told.is_empty()).then(|| format!("lost: {}", told.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::observe::Writer;

    #[test]
    fn tasks_are_what_they_were_at_the_time() {
        let mut guest = Guest::default();
        for (what, ticks, name) in [(Happened::Created, 5, "sh"), (Happened::Executed, 10, "ls")] {
            let name = name.as_bytes();
            let event = ProcessEvent { what, pid: 7, tid: 7, thread: 30, ticks, words: [0; 3], name, path: b"" };
            let mut bytes = [0; 128];
            let mut out = Writer::new(&mut bytes);
            event.encode(&mut out);
            let used = out.finish().unwrap();
            guest.take(Kind::Process, &bytes[..used]).unwrap();
        }
        let name = |ticks| guest.task(30, ticks).map(|task| task.name.as_str());
        assert_eq!((name(1), name(9), name(10), name(99)), (Some("sh"), Some("sh"), Some("ls"), Some("ls")));
        assert_eq!(guest.task(31, 1), None);
    }

    #[test]
    fn losses_are_summed_and_told() {
        let mut guest = Guest::default();
        assert_eq!(guest.losses(), None);
        for count in [3, 4] {
            guest.take(Kind::Drops, &Drops { what: Dropped::Samples, count }.encode()).unwrap();
        }
        assert_eq!(guest.losses().as_deref(), Some("lost: 7 samples"));
    }
}
