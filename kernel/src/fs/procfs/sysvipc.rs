//! `/proc/sysvipc`: the objects of System V's inter-process communication, one line each, as `ipcs` reads them.
use super::node::{Content, Entry};
use super::text::{Text, put};
use crate::errno::Result;
use crate::ipc::{message, semaphore, shared_memory};
use abi::ipc::{IpcPerm, SHM_DEST, SHM_LOCKED};
use core::sync::atomic::Ordering;
use machine::addr::PAGE_SIZE;
use machine::thread::CurrentThread;

/// The files.
pub(super) const ENTRIES: &[Entry] = &[
    Entry { name: "msg", content: Content::Text { permissions: 0o444, read: messages, write: None } },
    Entry { name: "sem", content: Content::Text { permissions: 0o444, read: semaphores, write: None } },
    Entry { name: "shm", content: Content::Text { permissions: 0o444, read: memory, write: None } },
];

fn owners(out: &mut Text, perm: &IpcPerm) -> Result<()> {
    put!(out, " {:5} {:5} {:5} {:5}", perm.uid, perm.gid, perm.maker_uid, perm.maker_gid)
}

fn messages(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    put!(out, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid")?;
    put!(out, "      stime      rtime      ctime\n")?;
    let mut place = 0;
    while let Some((next, queue)) = message::QUEUES.next(place) {
        place = next;
        let (perm, told) = (queue.told_permissions(), queue.body.figures());
        put!(out, "{:10} {:10}  {:4o} {:10} {:10}", perm.key, queue.id, perm.mode, told.bytes, told.messages)?;
        put!(out, " {:5} {:5}", told.last_sender, told.last_receiver)?;
        owners(out, &perm)?;
        put!(out, " {:10} {:10} {:10}\n", told.send_time, told.receive_time, told.change_time)?;
    }
    Ok(())
}

fn semaphores(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    put!(out, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n")?;
    let mut place = 0;
    while let Some((next, set)) = semaphore::SETS.next(place) {
        place = next;
        let (perm, (operation_time, change_time)) = (set.told_permissions(), set.body.times());
        put!(out, "{:10} {:10}  {:4o} {:10}", perm.key, set.id, perm.mode, set.body.count())?;
        owners(out, &perm)?;
        put!(out, " {operation_time:10} {change_time:10}\n")?;
    }
    Ok(())
}

fn memory(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    put!(out, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid")?;
    put!(out, "      atime      dtime      ctime                   rss                  swap\n")?;
    let mut place = 0;
    while let Some((next, segment)) = shared_memory::SEGMENTS.next(place) {
        place = next;
        let (perm, body) = (segment.told_permissions(), &segment.body);
        let mut mode = perm.mode;
        for (holds, bit) in [(segment.is_removed(), SHM_DEST), (body.is_locked.load(Ordering::Relaxed), SHM_LOCKED)] {
            mode |= if holds { bit } else { 0 };
        }
        put!(out, "{:10} {:10}  {:4o} {:21}", perm.key, segment.id, mode, body.bytes)?;
        put!(out, " {:5} {:5}  {:5}", body.maker, body.last.load(Ordering::Relaxed), body.attached())?;
        owners(out, &perm)?;
        let [attach, detach, change] =
            [&body.attach_time, &body.detach_time, &body.change_time].map(|time| time.load(Ordering::Relaxed));
        put!(out, " {attach:10} {detach:10} {change:10} {:21} {:21}\n", body.resident_pages() * PAGE_SIZE, 0)?;
    }
    Ok(())
}
