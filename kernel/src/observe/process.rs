//! What happens to processes, told as it happens: from it the tool knows which program a thread's records and addresses belong to.
//! Without a channel each of these costs one load.
use super::carrier::{is_on, send};
use crate::mm::Protection;
use crate::mm::listing::AreaContent;
use crate::task::Task;
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
    for area in areas {
        if !area.protection.allows(Protection::EXECUTE)
            || area.range.start >= range.end
            || area.range.end <= range.start
        {
            continue;
        }
        let words = [area.range.start as u64, area.range.len() as u64, area.offset];
        match &area.content {
            AreaContent::File(file) => {
                // Without memory for the path, the addresses stay without names.
                if let Ok(path) = file.path().absolute_name(cx, &root) {
                    user_functions::plant(cx, &space, &path, area.range.clone(), area.offset);
                    tell(cx, task, Happened::Mapped, words, b"", &path);
                }
            }
            AreaContent::Named(name) => tell(cx, task, Happened::Mapped, words, b"", name.as_bytes()),
            AreaContent::Anonymous => tell(cx, task, Happened::Mapped, words, b"", b"[anon]"),
        }
    }
}

fn tell(cx: &mut CurrentThread, task: &Task, what: Happened, words: [u64; 3], name: &[u8], path: &[u8]) {
    let event = ProcessEvent {
        what,
        pid: task.process().pid(),
        tid: task.tid(),
        // CAST: records' heads carry the low 32 bits.
        thread: cx.thread().id().0 as u32,
        ticks: time::ticks(),
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
