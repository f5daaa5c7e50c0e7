//! The heap that `brk` moves: one anonymous area from the heap's start up.
use super::error::MapError;
use super::map::MemoryLimits;
use super::populate::Populate;
use super::space::AddressSpace;
use super::vma::{Locking, Protection, Vma};
use crate::trace::probe;
use machine::addr::{PAGE_SIZE, USER_END, UserAddr, page_ceil};
use machine::thread::CurrentThread;

impl AddressSpace {
    /// Moves the break to `wanted` if that is possible, what is new with `protection`; answers where it is then.
    /// LINUX: no error is ever told apart; the old break is the refusal.
    pub fn set_break(
        &self,
        cx: &mut CurrentThread,
        wanted: UserAddr,
        protection: Protection,
        limits: &MemoryLimits,
    ) -> UserAddr {
        let mut memory = self.memory.lock(cx);
        let locking = memory.locks_new;
        let (start, old) = (memory.heap.start, memory.heap.end);
        let wanted = wanted.0;
        if wanted < start || wanted > USER_END || (wanted - start) as u64 > limits.data {
            return UserAddr(old);
        }
        let (Some(old_end), Some(new_end)) = (page_ceil(old), page_ceil(wanted)) else { return UserAddr(old) };
        let outcome = if new_end < old_end {
            memory.areas.reserve(pure::range_map::SPLIT_SLOTS).map_err(MapError::from).map(|()| {
                memory.take_out(cx, new_end..old_end);
            })
        } else if new_end > old_end {
            let vma = Vma { locking, ..Vma::anonymous(protection) };
            // LINUX: one page and a stack's guard gap stay free above the heap.
            let is_free = memory.areas.find_gap(new_end + PAGE_SIZE - old_end, old_end..new_end + PAGE_SIZE, PAGE_SIZE);
            let outcome = if is_free.is_none() { Err(MapError::NoRoom) } else { memory.reserve_change() };
            let pages = (new_end - old_end) / PAGE_SIZE;
            outcome.and_then(|()| memory.check_limits(pages, 0, &vma, true, limits)).map(|()| {
                memory.add(old_end..new_end, vma);
            })
        } else {
            Ok(())
        };
        if outcome.is_ok() {
            memory.heap.end = wanted;
            probe!(crate::trace::vminfo::set_break(UserAddr(wanted)));
        }
        let end = memory.heap.end;
        drop(memory);
        if outcome.is_ok() && new_end > old_end && locking == Locking::Whole {
            // LINUX: what cannot be made present is left out.
            let _ = self.populate(cx, old_end..new_end, Populate::Locked);
        }
        UserAddr(end)
    }
}
