//! `/proc/PID/maps`, `smaps`, `smaps_rollup` and `clear_refs`: the areas of a process's memory, and what their pages are.
use super::process::{Subject, root_of};
use super::text::{Text, put};
use crate::errno::{Errno, Result};
use crate::fs::Path;
use crate::mm::figures::{PageFigures, PageSource};
use crate::mm::listing::{AreaContent, AreaLine};
use crate::mm::{Blocks, Locking, Protection};
use crate::syscall::vsyscall;
use machine::addr::PAGE_SIZE;
use machine::thread::CurrentThread;

/// `/proc/PID/maps`.
pub(super) fn maps(cx: &mut CurrentThread, subject: &Subject, out: &mut Text) -> Result<()> {
    let Some(space) = subject.inspected_space(cx)? else { return Ok(()) };
    let root = root_of(cx, subject)?;
    for area in space.list_areas(cx)? {
        put_line(cx, &root, &area, out)?;
    }
    put_vsyscall(out)
}

/// The line of an area.
fn put_line(cx: &mut CurrentThread, root: &Path, area: &AreaLine, out: &mut Text) -> Result<()> {
    let start = out.len();
    let flag = |condition: bool, letter: char| if condition { letter } else { '-' };
    put!(
        out,
        "{:08x}-{:08x} {}{}{}{} {:08x} ",
        area.range.start,
        area.range.end,
        flag(area.protection.allows(Protection::READ), 'r'),
        flag(area.protection.allows(Protection::WRITE), 'w'),
        flag(area.protection.allows(Protection::EXECUTE), 'x'),
        if area.is_shared { 's' } else { 'p' },
        area.offset
    )?;
    match &area.content {
        AreaContent::File(file) => {
            let base = file.inode().base();
            put!(out, "{:02x}:{:02x} {} ", base.device.major, base.device.minor, base.number)?;
            out.pad(start, 73)?;
            out.bytes(&file.path().absolute_name(cx, root)?)?;
        }
        AreaContent::Named(name) => {
            put!(out, "00:00 0 ")?;
            out.pad(start, 73)?;
            put!(out, "{name}")?;
        }
        AreaContent::Anonymous => put!(out, "00:00 0 ")?,
    }
    out.bytes(b"\n")
}

/// The line of the page that old programs call the kernel through; it is in no address space.
fn put_vsyscall(out: &mut Text) -> Result<()> {
    if vsyscall::is_there() {
        let end = vsyscall::PAGE + PAGE_SIZE;
        put!(out, "{:x}-{end:x} --xp 00000000 00:00 0                  [vsyscall]\n", vsyscall::PAGE)?;
    }
    Ok(())
}

/// `/proc/PID/smaps`. Each area's figures are of one moment.
pub(super) fn smaps(cx: &mut CurrentThread, subject: &Subject, out: &mut Text) -> Result<()> {
    let Some(space) = subject.inspected_space(cx)? else { return Ok(()) };
    let root = root_of(cx, subject)?;
    for area in space.list_areas(cx)? {
        put_line(cx, &root, &area, out)?;
        let figures = space.page_figures(cx, area.range.clone());
        put_size(area.range.len(), out)?;
        put_figures(&figures, false, out)?;
        put!(out, "THPeligible:           {}\n", u8::from(area.facts.takes_blocks))?;
        put_flags(&area, out)?;
    }
    if vsyscall::is_there() {
        put_vsyscall(out)?;
        put_size(PAGE_SIZE, out)?;
        put_figures(&PageFigures::default(), false, out)?;
        put!(out, "THPeligible:           0\nVmFlags: ex \n")?;
    }
    Ok(())
}

/// `/proc/PID/smaps_rollup`: the sums over all areas.
pub(super) fn smaps_rollup(cx: &mut CurrentThread, subject: &Subject, out: &mut Text) -> Result<()> {
    // LINUX: unlike the others, it refuses where there is no memory.
    let space = subject.inspected_space(cx)?.ok_or(Errno::ESRCH)?;
    let areas = space.list_areas(cx)?;
    let (Some(first), Some(last)) = (areas.first(), areas.last()) else { return Ok(()) };
    let mut sum = PageFigures::default();
    for area in &areas {
        sum.add(&space.page_figures(cx, area.range.clone()));
    }
    let start = out.len();
    put!(out, "{:08x}-{:08x} ---p 00000000 00:00 0 ", first.range.start, last.range.end)?;
    out.pad(start, 73)?;
    put!(out, "[rollup]\n")?;
    put_figures(&sum, true, out)
}

fn put_size(bytes: usize, out: &mut Text) -> Result<()> {
    put_kib(out, "Size", bytes as u64)?;
    put_kib(out, "KernelPageSize", PAGE_SIZE as u64)?;
    put_kib(out, "MMUPageSize", PAGE_SIZE as u64)
}

fn put_figures(figures: &PageFigures, is_sum: bool, out: &mut Text) -> Result<()> {
    put_kib(out, "Rss", figures.resident)?;
    put_kib(out, "Pss", figures.share())?;
    put_kib(out, "Pss_Dirty", figures.dirty_share())?;
    if is_sum {
        put_kib(out, "Pss_Anon", figures.share_of(PageSource::Anonymous))?;
        put_kib(out, "Pss_File", figures.share_of(PageSource::File))?;
        put_kib(out, "Pss_Shmem", figures.share_of(PageSource::Memory))?;
    }
    // Those that are always zero: there is no swap, and no other page size.
    let lines = [
        ("Shared_Clean", figures.shared_clean),
        ("Shared_Dirty", figures.shared_dirty),
        ("Private_Clean", figures.private_clean),
        ("Private_Dirty", figures.private_dirty),
        ("Referenced", figures.referenced),
        ("Anonymous", figures.anonymous),
        ("LazyFree", 0),
        ("AnonHugePages", figures.in_blocks),
        ("ShmemPmdMapped", 0),
        ("FilePmdMapped", 0),
        ("Shared_Hugetlb", 0),
        ("Private_Hugetlb", 0),
        ("Swap", 0),
        ("SwapPss", 0),
        ("Locked", figures.locked_share()),
    ];
    lines.into_iter().try_for_each(|(name, bytes)| put_kib(out, name, bytes))
}

/// A line of smaps, in KiB.
fn put_kib(out: &mut Text, name: &str, bytes: u64) -> Result<()> {
    let start = out.len();
    put!(out, "{name}:")?;
    out.pad(start, 16)?;
    put!(out, "{:8} kB\n", bytes / 1024)
}

/// The facts of an area in two letters each, in Linux's order.
fn put_flags(area: &AreaLine, out: &mut Text) -> Result<()> {
    let facts = &area.facts;
    let has = |right| area.protection.allows(right);
    let may = |right| facts.most.allows(right);
    let flags = [
        ("rd", has(Protection::READ)),
        ("wr", has(Protection::WRITE)),
        ("ex", has(Protection::EXECUTE)),
        // LINUX: what can never be written counts as if it were not shared.
        ("sh", area.is_shared && may(Protection::WRITE)),
        ("mr", may(Protection::READ)),
        ("mw", may(Protection::WRITE)),
        ("me", may(Protection::EXECUTE)),
        ("ms", area.is_shared),
        ("gd", facts.grows_down),
        ("lo", facts.locking != Locking::None),
        ("dc", facts.is_absent_in_child),
        ("lf", facts.locking == Locking::OnFault),
        ("ac", facts.is_data),
        ("wf", facts.is_zero_in_child),
        ("sd", facts.is_changed),
        ("hg", facts.blocks == Blocks::Wanted),
        ("nh", facts.blocks == Blocks::Refused),
    ];
    out.bytes(b"VmFlags: ")?;
    for (name, _) in flags.into_iter().filter(|(_, holds)| *holds) {
        put!(out, "{name} ")?;
    }
    out.bytes(b"\n")
}

/// `/proc/PID/clear_refs`: 1 to 3 forget that pages were used, 4 that they were changed, 5 how many there were at most.
pub(super) fn clear_refs(cx: &mut CurrentThread, subject: &Subject, bytes: &[u8]) -> Result<()> {
    let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    let kind: i32 = text
        .trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\0')
        .parse()
        .map_err(|_| Errno::EINVAL)?;
    let space = subject.space(cx);
    let Some(space) = space else { return if (1..=5).contains(&kind) { Ok(()) } else { Err(Errno::EINVAL) } };
    match kind {
        1 => space.forget_use(cx, |_| true),
        2 => space.forget_use(cx, |source| source == PageSource::Anonymous),
        3 => space.forget_use(cx, |source| source != PageSource::Anonymous),
        4 => space.forget_changes(cx),
        5 => space.forget_peak(cx),
        _ => return Err(Errno::EINVAL),
    }
    Ok(())
}
