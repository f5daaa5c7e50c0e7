//! What happens to processes, told as it happens: from it the tool knows which program a thread's records and addresses belong to.
//! While nobody listens each of these costs one load. Whoever begins to listen later is told what there is already ([`tell_all`]).
use super::carrier::send;
use super::session::is_on;
use crate::fs::Path;
use crate::mm::listing::{AreaContent, AreaLine};
use crate::mm::{AddressSpace, Protection};
use crate::task::{Task, table};
use crate::trace::user_functions;
use alloc::vec::Vec;
use core::ops::Range;
use machine::thread::CurrentThread;
use machine::time;
use wire::observe::{Happened, Kind, ProcessEvent, Writer};

/// A task runs for the first time, in its own thread.
pub fn created(cx: &mut CurrentThread, task: &Task) {
    if is_on() {
        let name = task.name(cx);
        tell(cx, task, Happened::Created, [task.process().parent_pid().into(), 0, 0], &name, b"");
    }
}

/// A path that [`executed`] is to tell later; empty if nobody listens, or without memory.
pub fn copy_of_path(path: &[u8]) -> Vec<u8> {
    let mut copy = Vec::new();
    if is_on() && copy.try_reserve_exact(path.len()).is_ok() {
        copy.extend_from_slice(path);
    }
    copy
}

/// The calling task has started a program, by the name `path`.
pub fn executed(cx: &mut CurrentThread, task: &Task, path: &[u8]) {
    if is_on() {
        let name = task.name(cx);
        tell(cx, task, Happened::Executed, [0; 3], &name, path);
    }
}

/// The calling task ends with this wait status.
pub fn ended(cx: &mut CurrentThread, task: &Task, status: i32) {
    if is_on() {
        // CAST: the bits of the status.
        tell(cx, task, Happened::Ended, [u64::from(status as u32), 0, 0], b"", b"");
    }
}

/// The calling task changed its name.
pub fn renamed(cx: &mut CurrentThread, task: &Task) {
    if is_on() {
        let name = task.name(cx);
        tell(cx, task, Happened::Renamed, [0; 3], &name, b"");
    }
}

/// Tells what the calling task's memory holds within `range` that may be executed.
pub fn mapped(cx: &mut CurrentThread, task: &Task, range: Range<usize>) {
    if !is_on() {
        return;
    }
    let Some(space) = task.space(cx) else { return };
    let Ok(areas) = space.list_areas(cx) else { return };
    let root = task.fs(cx).root(cx);
    for area in executable(areas) {
        if area.range.start >= range.end || area.range.end <= range.start {
            continue;
        }
        if let Some(path) = tell_mapping(cx, task, &root, &area, Since::Now) {
            user_functions::plant(cx, &space, &path, area.range.clone(), area.offset);
        }
    }
}

/// Those that may be executed.
fn executable(areas: Vec<AreaLine>) -> impl Iterator<Item = AreaLine> {
    areas.into_iter().filter(|area| area.protection.allows(Protection::EXECUTE))
}

/// Tells what is mapped; answers the path of a file. Without memory for the path, the addresses stay without names.
fn tell_mapping(cx: &mut CurrentThread, task: &Task, root: &Path, area: &AreaLine, since: Since) -> Option<Vec<u8>> {
    let words = [area.range.start as u64, area.range.len() as u64, area.offset];
    match &area.content {
        AreaContent::File(file) => {
            let path = file.path().absolute_name(cx, root).ok()?;
            tell_since(cx, task, Happened::Mapped, words, b"", &path, since);
            return Some(path);
        }
        AreaContent::Named(name) => tell_since(cx, task, Happened::Mapped, words, b"", name.as_bytes(), since),
        AreaContent::Anonymous => tell_since(cx, task, Happened::Mapped, words, b"", b"[anon]", since),
    }
    None
}

/// Somebody begins to listen at `ticks`: tells which tasks there are, and what their programs are. What happens to them meanwhile is told by
/// themselves, as later.
pub(super) fn tell_all(cx: &mut CurrentThread, ticks: u64) {
    for pid in table::pids(cx) {
        for task in table::tasks_of(cx, pid) {
            let name = task.name(cx);
            let words = [task.process().parent_pid().into(), 0, 0];
            tell_since(cx, &task, Happened::Created, words, &name, b"", Since::Ticks(ticks));
        }
        let Some(task) = table::first_task(cx, pid) else { continue };
        let (Some(space), Some(context)) = (task.space(cx), task.fs_if_any(cx)) else { continue };
        let root = context.root(cx);
        tell_program(cx, &task, &space, &root, ticks);
    }
}

/// Tells which program a process runs, and its mappings.
fn tell_program(cx: &mut CurrentThread, task: &Task, space: &AddressSpace, root: &Path, ticks: u64) {
    let program = space.image().map(|image| image.executable.path().clone());
    let path = program.and_then(|path| path.absolute_name(cx, root).ok()).unwrap_or_default();
    let name = task.name(cx);
    tell_since(cx, task, Happened::Executed, [0; 3], &name, &path, Since::Ticks(ticks));
    let Ok(areas) = space.list_areas(cx) else { return };
    for area in executable(areas) {
        tell_mapping(cx, task, root, &area, Since::Ticks(ticks));
    }
}

/// From when on something is so.
#[derive(Clone, Copy)]
enum Since {
    Now,
    Ticks(u64),
}

/// Tells what the calling task does.
fn tell(cx: &mut CurrentThread, task: &Task, what: Happened, words: [u64; 3], name: &[u8], path: &[u8]) {
    tell_since(cx, task, what, words, name, path, Since::Now);
}

fn tell_since(
    cx: &mut CurrentThread,
    task: &Task,
    what: Happened,
    words: [u64; 3],
    name: &[u8],
    path: &[u8],
    since: Since,
) {
    let Some(thread) = task.thread() else { return };
    let event = ProcessEvent {
        what,
        pid: task.process().pid(),
        tid: task.tid(),
        // CAST: records' heads carry the low 32 bits.
        thread: thread.id().0 as u32,
        ticks: match since {
            Since::Now => time::ticks(),
            Since::Ticks(ticks) => ticks,
        },
        words,
        name,
        path,
    };
    let mut payload = [0; ProcessEvent::SHORT_BYTES];
    let mut out = Writer::new(&mut payload);
    event.encode(&mut out);
    if let Some(used) = out.finish() {
        return send(cx, Kind::Process, 0, &payload[..used]);
    }
    // A long path: from the heap, or without the path.
    let mut payload = Vec::new();
    let bytes = ProcessEvent::SHORT_BYTES + path.len();
    if payload.try_reserve_exact(bytes).is_err() {
        return;
    }
    payload.resize(bytes, 0);
    let mut out = Writer::new(&mut payload);
    event.encode(&mut out);
    if let Some(used) = out.finish() {
        send(cx, Kind::Process, 0, &payload[..used]);
    }
}
