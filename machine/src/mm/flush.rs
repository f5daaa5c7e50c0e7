//! Forgetting translations: on this CPU by page or whole, on the others by broadcast instruction or by an interrupt
//! that is answered before the frames behind the translations are freed.
//!
//! A [`Flush`] collects addresses and the frames that were mapped there, and at the end flushes once and gives the frames back.
//!
//! Order: entries are changed first, then the space's generation is raised, then the CPUs that have it loaded are read. A CPU that
//! loads it sets its bit before it reads the generation: so it is either asked, or flushes by itself.
use super::block;
use super::frame::Frame;
use super::space_handle::{self, SpaceHandle};
use crate::addr::PhysAddr;
use crate::arch::{self, page_table};
use crate::cpu::{self, CpuId, CpuLocal};
use crate::irq::Ipi;
use crate::thread::{CurrentThread, header};
use crate::trace::{self, Counter};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering, fence};

/// Above this many pages the whole space is flushed.
const MOST_PAGES: usize = 32;
/// Frames that are collected before a flush comes in between.
const MOST_FRAMES: usize = 16_384;

/// Set in an address that stands for a block instead of a frame.
const IS_BLOCK: u64 = 1;

/// Requests to each CPU, and how many of them it has answered.
struct Requests {
    asked: AtomicU64,
    answered: AtomicU64,
}

static REQUESTS: [Requests; cpu::MAX_CPUS] =
    [const { Requests { asked: AtomicU64::new(0), answered: AtomicU64::new(0) } }; cpu::MAX_CPUS];

/// See the module.
pub(super) struct Flush<'a> {
    space: &'a SpaceHandle,
    pages: [usize; MOST_PAGES],
    page_count: usize,
    is_all: bool,
    frames: [PhysAddr; MOST_PAGES],
    frame_count: usize,
    /// Further frames, and blocks.
    more_frames: Vec<PhysAddr>,
}

impl<'a> Flush<'a> {
    pub(super) fn new(space: &'a SpaceHandle) -> Flush<'a> {
        Flush {
            space,
            pages: [0; MOST_PAGES],
            page_count: 0,
            is_all: false,
            frames: [PhysAddr(0); MOST_PAGES],
            frame_count: 0,
            more_frames: Vec::new(),
        }
    }

    /// The translation of `addr` changed; `frame` is what a leaf no longer refers to.
    #[inline]
    pub(super) fn add(&mut self, cx: &mut CurrentThread, addr: usize, frame: Option<PhysAddr>) {
        if self.page_count < MOST_PAGES {
            self.pages[self.page_count] = addr;
            self.page_count += 1;
        } else {
            self.is_all = true;
        }
        if let Some(frame) = frame {
            if self.frame_count < MOST_PAGES {
                self.frames[self.frame_count] = frame;
                self.frame_count += 1;
            } else {
                self.add_frame(cx, frame);
            }
        }
    }

    /// The translation of the block at `addr` is gone; `block` is what the leaf no longer refers to.
    pub(super) fn add_block(&mut self, cx: &mut CurrentThread, addr: usize, block: PhysAddr) {
        // One address is enough: what is kept for a block is forgotten as a whole.
        self.add(cx, addr, None);
        self.add_frame(cx, PhysAddr(block.0 | IS_BLOCK));
    }

    #[inline(never)]
    fn add_frame(&mut self, cx: &mut CurrentThread, frame: PhysAddr) {
        if self.more_frames.len() == MOST_FRAMES || self.more_frames.try_reserve(1).is_err() {
            self.flush_now(cx);
            self.release_frames();
            self.frames[0] = frame;
            self.frame_count = 1;
        } else {
            self.more_frames.push(frame);
        }
    }

    /// The whole space changed.
    pub(super) fn everything(&mut self) {
        self.is_all = true;
    }

    /// Flushes what was added and gives the frames back.
    pub(super) fn finish(mut self, cx: &mut CurrentThread) {
        if self.page_count > 0 || self.is_all {
            self.flush_now(cx);
        }
        self.release_frames();
    }

    fn release_frames(&mut self) {
        for &frame in &self.frames[..self.frame_count] {
            // SAFETY: the reference that the leaf owned; no CPU has its translation any more.
            unsafe { release(frame) };
        }
        self.frame_count = 0;
        for frame in self.more_frames.drain(..) {
            // SAFETY: as above.
            unsafe { release(frame) };
        }
    }

    fn flush_now(&mut self, _cx: &mut CurrentThread) {
        let pages = (!self.is_all).then_some(&self.pages[..self.page_count]);
        fence(Ordering::SeqCst);
        if page_table::BROADCASTS_FLUSH {
            // A space that was never loaded, or has no number of its own, has nothing in a TLB now.
            flush_here(self.space.asid, pages);
        } else {
            self.space.generation.fetch_add(1, Ordering::SeqCst);
            let header = header::preempt_off();
            let here = header.cpu().id;
            let loaded_on = self.space.loaded_on.load(Ordering::SeqCst);
            if loaded_on >> here.0 & 1 != 0 {
                // The generation is not noted as seen: a later load flushes once more than needed, at worst.
                flush_here(self.space.asid, pages);
            }
            let others = loaded_on & !(1 << here.0);
            let asked = ask(others);
            if others != 0 {
                trace::count(Counter::Shootdowns);
                let pages = pages.map_or(u64::MAX, |pages| pages.len() as u64);
                crate::probe!(crate::trace::providers::vminfo::shootdown(pages, others.count_ones()));
            }
            header::preempt_on(header);
            await_answers(others, asked);
        }
        self.page_count = 0;
        self.is_all = false;
    }
}

/// Gives back what a leaf referred to.
///
/// # Safety
/// 1. The caller owns the leaf's reference to the frame, or to each frame of the block.
#[inline(always)]
unsafe fn release(frame: PhysAddr) {
    if frame.0 & IS_BLOCK == 0 {
        // SAFETY: 1.
        drop(unsafe { Frame::from_mapping(frame) });
    } else {
        // SAFETY: 1.
        unsafe { block::release(PhysAddr(frame.0 & !IS_BLOCK)) };
    }
}

/// Flushes on this CPU (everywhere, where flushes are broadcast).
fn flush_here(asid: u16, pages: Option<&[usize]>) {
    match pages {
        Some(pages) => {
            trace::add(Counter::TlbPageFlushes, pages.len() as u64);
            for &page in pages {
                page_table::flush_page(asid, page);
            }
        }
        None => {
            trace::count(Counter::TlbSpaceFlushes);
            page_table::flush_asid(asid);
        }
    }
}

/// Sends the request to each CPU of the set; answers how many requests the busiest of them has had, by CPU.
fn ask(others: u64) -> [u64; cpu::MAX_CPUS] {
    let mut asked = [0; cpu::MAX_CPUS];
    if others != 0 {
        for cpu in each_of(others) {
            asked[cpu] = REQUESTS[cpu].asked.fetch_add(1, Ordering::SeqCst) + 1;
            crate::irq::send(CpuId(cpu as u32), Ipi::Shootdown);
        }
    }
    asked
}

/// Waits until each CPU of the set has answered. Interrupts are on: two CPUs may ask each other.
fn await_answers(others: u64, asked: [u64; cpu::MAX_CPUS]) {
    for cpu in each_of(others) {
        while REQUESTS[cpu].answered.load(Ordering::Acquire) < asked[cpu] {
            arch::cpu::pause();
        }
    }
}

fn each_of(set: u64) -> impl Iterator<Item = usize> {
    (0..cpu::MAX_CPUS).filter(move |cpu| set >> cpu & 1 != 0)
}

impl SpaceHandle {
    /// After a page's rights were widened: this CPU may hold the narrower translation still, and would fault for ever where
    /// faults do not forget it.
    pub(super) fn flush_widened(&self, addr: usize) {
        if page_table::BROADCASTS_FLUSH {
            page_table::flush_page(self.asid, addr);
        } else {
            let header = header::preempt_off();
            if space_handle::is_loaded_here(self) {
                page_table::flush_page(self.asid, addr);
            }
            header::preempt_on(header);
        }
    }
}

/// A space with fewer pages than this may wait for other CPUs to run something else: asking them costs more than it gives back.
const WORTH_UNLOADING_PAGES: usize = 256;

impl SpaceHandle {
    /// Has every CPU let go of the root that keeps it loaded only because nothing else was loaded since. If nobody runs in the space
    /// any more, dropping it then frees its memory at once; else a CPU that goes idle for long would keep it.
    pub fn unload(&self, _cx: &mut CurrentThread) {
        let header = header::interrupts_off();
        let cpu = header.cpu();
        if space_handle::is_loaded_here(self) {
            space_handle::unload_leftover(cpu);
        }
        if self.resident.load(Ordering::Relaxed) < WORTH_UNLOADING_PAGES {
            header::interrupts_on(header);
            return;
        }
        let others = self.loaded_on.load(Ordering::SeqCst) & !(1 << cpu.id.0);
        let asked = ask(others);
        header::interrupts_on(header);
        await_answers(others, asked);
    }
}

/// How often kernel translations were taken away, and what each CPU has seen of it.
static KERNEL_GENERATION: AtomicU64 = AtomicU64::new(0);
static KERNEL_SEEN: [AtomicU64; cpu::MAX_CPUS] = [const { AtomicU64::new(0) }; cpu::MAX_CPUS];

/// Makes every CPU forget the kernel translations that were taken away before. Interrupts are on.
pub(super) fn kernel_everywhere() {
    fence(Ordering::SeqCst);
    if page_table::BROADCASTS_FLUSH {
        page_table::flush_all();
        return;
    }
    KERNEL_GENERATION.fetch_add(1, Ordering::SeqCst);
    let header = header::preempt_off();
    let here = header.cpu().id;
    let others = cpu::each().filter(|other| other.id != here).fold(0, |set, other| set | 1 << other.id.0);
    page_table::flush_all();
    let asked = ask(others);
    header::preempt_on(header);
    await_answers(others, asked);
}

/// Forgets everything on this CPU if kernel translations were taken away since it last did. Interrupts are off.
fn forget_kernel(cpu: &CpuLocal) {
    let seen = &KERNEL_SEEN[cpu.id.0 as usize];
    let generation = KERNEL_GENERATION.load(Ordering::SeqCst);
    if seen.load(Ordering::Relaxed) != generation {
        seen.store(generation, Ordering::Relaxed);
        page_table::flush_all();
    }
}

/// Another CPU asks this one to forget translations. Called by the architecture with interrupts off.
pub(crate) fn shootdown_interrupt() {
    trace::count(Counter::Interrupts);
    trace::count(Counter::IpisShootdown);
    crate::probe!(crate::trace::providers::irq::ipi(1));
    header::in_handler(|_| {
        let header = header::current();
        let cpu: &CpuLocal = header.cpu();
        let requests = &REQUESTS[cpu.id.0 as usize];
        let asked = requests.asked.load(Ordering::SeqCst);
        forget_kernel(cpu);
        if !space_handle::unload_leftover(cpu) {
            space_handle::note_flushed(cpu, |space| space.generation.load(Ordering::SeqCst));
            // SAFETY: own CPU, interrupts off.
            if let Some(space) = unsafe { &*cpu.loaded_space.get() } {
                page_table::flush_asid(space.asid);
            }
        }
        requests.answered.fetch_max(asked, Ordering::Release);
    });
}
