//! The source that follows the trace rings: every record of every CPU, once, oldest first; what was overwritten before it could be sent is
//! counted and told.
use super::carrier::{send, try_send};
use super::session::is_for_whole_run;
use super::thread::add_source;
use crate::lock_order;
use alloc::vec::Vec;
use machine::cpu::{self, CpuId, MAX_CPUS};
use machine::sync::Mutex;
use machine::thread::CurrentThread;
use machine::time;
use machine::trace::{self, Record};
use wire::observe::{Dropped, Drops, Kind, MAX_PAYLOAD, MAX_RECORD_BYTES, Writer, put_record};

/// Records that fit a frame, whatever they tell.
const BATCH: usize = MAX_PAYLOAD / MAX_RECORD_BYTES;

/// Where reading goes on, and the memory it needs.
struct Cursor {
    next: [u64; MAX_CPUS],
    /// Lost and not yet told.
    lost: u64,
    /// No mark has been sent since nothing was found.
    owes_mark: bool,
    records: Vec<Record>,
    payload: Vec<u8>,
}

static CURSOR: Mutex<Cursor> = Mutex::new(
    &lock_order::OBSERVE_RECORDS,
    Cursor { next: [0; MAX_CPUS], lost: 0, owes_mark: false, records: Vec::new(), payload: Vec::new() },
);

/// Begins to follow.
pub(super) fn start() {
    add_source(source);
}

/// A session begins: what was recorded before it is of no interest, unless the session is for the whole run.
pub(super) fn begin(cx: &mut CurrentThread) {
    let mut cursor = CURSOR.lock(cx);
    (cursor.lost, cursor.owes_mark) = (0, false);
    if !is_for_whole_run() {
        for (number, next) in cursor.next.iter_mut().enumerate().take(cpu::count()) {
            // CAST: a CPU's number.
            *next = trace::lost_of(CpuId(number as u32)).0;
        }
    }
}

/// Gives the memory back.
pub(super) fn end(cx: &mut CurrentThread) {
    let mut cursor = CURSOR.lock(cx);
    (cursor.records, cursor.payload) = (Vec::new(), Vec::new());
}

fn source(cx: &mut CurrentThread, is_last: bool) -> bool {
    let mark = time::ticks();
    // What records older than the mark refer to is there by now, and is told before the mark.
    let is_told = crate::trace::program::before_mark(cx, is_last);
    let mut cursor = CURSOR.lock(cx);
    let cursor = &mut *cursor;
    if cursor.payload.is_empty() {
        if cursor.payload.try_reserve_exact(MAX_PAYLOAD).is_err() || cursor.records.try_reserve_exact(BATCH).is_err() {
            return false;
        }
        cursor.payload.resize(MAX_PAYLOAD, 0);
    }
    let (mut had_any, mut is_complete) = (false, is_told);
    for number in 0..cpu::count() {
        // CAST: a CPU's number.
        match cursor.follow(cx, CpuId(number as u32), is_last) {
            Followed::Nothing => {}
            Followed::All => had_any = true,
            Followed::NoRoom => (had_any, is_complete) = (true, false),
        }
    }
    // Readers set marks back a little, so the last records need one more mark when nothing follows them.
    if (had_any || cursor.owes_mark) && is_complete {
        // Without room for it, the next one will do.
        let is_sent = try_send(cx, Kind::Mark, 0, &mark.to_le_bytes());
        cursor.owes_mark = had_any || !is_sent;
    }
    if cursor.lost != 0 {
        let drops = Drops { what: Dropped::Records, count: cursor.lost }.encode();
        if is_last {
            send(cx, Kind::Drops, 0, &drops);
            cursor.lost = 0;
        } else if try_send(cx, Kind::Drops, 0, &drops) {
            cursor.lost = 0;
        }
    }
    had_any
}

/// How it went with one ring.
enum Followed {
    Nothing,
    All,
    NoRoom,
}

impl Cursor {
    /// Sends what a CPU has recorded since the last time, at most once around its ring.
    fn follow(&mut self, cx: &mut CurrentThread, cpu: CpuId, is_last: bool) -> Followed {
        let place = cpu.0 as usize;
        let end = trace::lost_of(cpu).0;
        let mut followed = Followed::Nothing;
        while self.next[place] < end {
            self.records.clear();
            let (next, lost) = trace::read(cpu, self.next[place], BATCH, &mut self.records);
            if next == self.next[place] {
                break;
            }
            followed = Followed::All;
            let mut out = Writer::new(&mut self.payload);
            self.records.iter().for_each(|record| put_record(record, &mut out));
            // A batch fits, so there is always an end.
            let used = out.finish().unwrap_or(0);
            // CAST: at most 64 CPUs.
            let stream = cpu.0 as u8;
            if is_last {
                send(cx, Kind::Records, stream, &self.payload[..used]);
            } else if used != 0 && !try_send(cx, Kind::Records, stream, &self.payload[..used]) {
                // They stay in the ring; if they are overwritten before the host reads on, they count as lost then.
                return Followed::NoRoom;
            }
            self.lost += lost;
            self.next[place] = next;
        }
        followed
    }
}
