//! The files of `/proc` that speak of the whole machine.
//!
//! Each is a function from nothing to text; [`ENTRIES`] gives them their names.
use super::node::{Content, Entry, ReadText, WriteText};
use super::text::{Text, put};
use crate::errno::{Errno, Result};
use crate::fs::inotify;
use crate::fs::{devpts, path};
use crate::ipc::posix_queue;
use crate::task::{host, table, usage};
use core::sync::atomic::{AtomicU64, Ordering};
use machine::addr::PAGE_SIZE;
use machine::cpu::{self, CpuId};
use machine::mm::{BLOCK_BYTES, FrameKind};
use machine::thread::CurrentThread;
use machine::{thread, time};
use pure::ready_threads;

const fn text(name: &'static str, read: ReadText) -> Entry {
    Entry { name, content: Content::Text { permissions: 0o444, read, write: None } }
}

const fn settable(name: &'static str, read: ReadText, write: WriteText) -> Entry {
    Entry { name, content: Content::Text { permissions: 0o644, read, write: Some(write) } }
}

const fn directory(name: &'static str, entries: &'static [Entry]) -> Entry {
    Entry { name, content: Content::Directory(entries) }
}

const fn link(name: &'static str, target: &'static str) -> Entry {
    Entry { name, content: Content::Link(target) }
}

/// Everything in `/proc` besides the processes.
pub(super) const ENTRIES: &[Entry] = &[
    text("cmdline", |_, out| {
        out.bytes(machine::boot::info().command_line)?;
        out.bytes(b"\n")
    }),
    text("cpuinfo", cpu_info),
    text("devices", |_, out| {
        put!(
            out,
            "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n"
        )
    }),
    text("filesystems", |_, out| {
        put!(out, "nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\tproc\nnodev\tsysfs\n")
    }),
    text("loadavg", load_average),
    text("meminfo", memory_info),
    link("mounts", "self/mounts"),
    text("partitions", |_, out| put!(out, "major minor  #blocks  name\n\n")),
    text("stat", statistics),
    text("swaps", |_, out| put!(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")),
    directory("sys", SYS),
    directory("sysvipc", super::sysvipc::ENTRIES),
    Entry { name: "trace", content: Content::Trace },
    text("uptime", uptime),
    text("version", version),
    text("vmstat", memory_statistics),
];

const SYS: &[Entry] = &[directory("fs", SYS_FS), directory("kernel", SYS_KERNEL), directory("vm", SYS_VM)];

const SYS_FS_INOTIFY: &[Entry] = &[
    text("max_queued_events", |_, out| put!(out, "{}\n", inotify::MOST_EVENTS)),
    text("max_user_instances", |_, out| put!(out, "{}\n", inotify::MOST_INSTANCES)),
    text("max_user_watches", |_, out| put!(out, "{}\n", inotify::MOST_WATCHES)),
];

const SYS_FS_MQUEUE: &[Entry] = &[
    text("msg_default", |_, out| put!(out, "{}\n", posix_queue::MOST_MESSAGES)),
    text("msg_max", |_, out| put!(out, "{}\n", posix_queue::MOST_MESSAGES)),
    text("msgsize_default", |_, out| put!(out, "{}\n", posix_queue::MOST_BYTES)),
    text("msgsize_max", |_, out| put!(out, "{}\n", posix_queue::MOST_BYTES)),
    text("queues_max", |_, out| put!(out, "{}\n", posix_queue::MOST_QUEUES)),
];

const SYS_FS: &[Entry] = &[
    directory("inotify", SYS_FS_INOTIFY),
    directory("mqueue", SYS_FS_MQUEUE),
    text("file-max", |_, out| put!(out, "{}\n", i64::MAX)),
    text("nr_open", |_, out| put!(out, "{}\n", crate::fs::table::MOST_FILES)),
    text("pipe-max-size", |_, out| put!(out, "{}\n", crate::fs::pipe::MOST_BYTES)),
];

const SYS_KERNEL: &[Entry] = &[
    text("sched_rr_timeslice_ms", |_, out| put!(out, "{}\n", ready_threads::ROUND_ROBIN_SLICE_NS / 1_000_000)),
    text("sched_rt_period_us", |_, out| put!(out, "{}\n", ready_threads::REAL_TIME_PERIOD_NS / 1000)),
    text("sched_rt_runtime_us", |_, out| put!(out, "{}\n", ready_threads::REAL_TIME_SHARE_NS / 1000)),
    text("cap_last_cap", |_, out| put!(out, "40\n")),
    settable(
        "domainname",
        |_, out| name(out, &host::utsname().domain),
        |_, bytes| {
            host::set_domain_name(first_line(bytes)?);
            Ok(())
        },
    ),
    settable(
        "hostname",
        |_, out| name(out, &host::utsname().node),
        |_, bytes| {
            host::set_node_name(first_line(bytes)?);
            Ok(())
        },
    ),
    text("ngroups_max", |_, out| put!(out, "65536\n")),
    text("osrelease", |_, out| put!(out, "{}\n", host::RELEASE)),
    text("ostype", |_, out| put!(out, "Linux\n")),
    text("overflowgid", |_, out| put!(out, "65534\n")),
    text("overflowuid", |_, out| put!(out, "65534\n")),
    text("pid_max", |_, out| put!(out, "{}\n", table::PID_MAX)),
    directory("pty", SYS_PTY),
    directory("random", SYS_RANDOM),
    text("threads-max", |_, out| put!(out, "{}\n", 4096)),
    text("version", |_, out| put!(out, "{}\n", host::VERSION)),
];

const SYS_PTY: &[Entry] = &[
    text("max", |_, out| put!(out, "{}\n", devpts::MOST)),
    text("nr", |_, out| put!(out, "{}\n", devpts::count())),
    text("reserve", |_, out| put!(out, "0\n")),
];

const SYS_RANDOM: &[Entry] = &[
    text("entropy_avail", |_, out| put!(out, "256\n")),
    text("poolsize", |_, out| put!(out, "256\n")),
    text("uuid", |_, out| {
        let mut bytes = [0; 16];
        machine::random::fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        for (index, byte) in bytes.iter().enumerate() {
            let dash = if [4, 6, 8, 10].contains(&index) { "-" } else { "" };
            put!(out, "{dash}{byte:02x}")?;
        }
        out.bytes(b"\n")
    }),
];

const SYS_VM: &[Entry] = &[
    text("max_map_count", |_, out| put!(out, "65530\n")),
    text("mmap_min_addr", |_, out| put!(out, "{}\n", machine::addr::USER_MIN)),
    // A mapping is refused only if it is larger than memory (`mm::map`): Linux's guess.
    text("overcommit_memory", |_, out| put!(out, "0\n")),
];

fn name(out: &mut Text, field: &[u8]) -> Result<()> {
    out.bytes(field.split(|&byte| byte == 0).next().unwrap_or(&[]))?;
    out.bytes(b"\n")
}

fn first_line(bytes: &[u8]) -> Result<&[u8]> {
    let line = bytes.split(|&byte| byte == b'\n' || byte == 0).next().unwrap_or(&[]);
    if line.len() > host::NAME_BYTES { Err(Errno::EINVAL) } else { Ok(line) }
}

fn each_cpu() -> impl Iterator<Item = CpuId> {
    // CAST: at most MAX_CPUS.
    (0..cpu::count() as u32).map(CpuId)
}

/// Ticks of 10 ms.
fn ticks(ns: u64) -> u64 {
    ns / 10_000_000
}

fn cpu_info(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    let features = cpu::user_features();
    for cpu in each_cpu() {
        put!(out, "processor\t: {}\n", cpu.0)?;
        if cpu::ARCH_NAME == "x86_64" {
            put!(out, "model name\t: {}\n", features.platform)?;
        } else {
            put!(out, "BogoMIPS\t: {}.00\n", time::ticks_per_second() * 2 / 1_000_000)?;
        }
        put!(out, "\n")?;
    }
    Ok(())
}

fn load_average(cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    let (averages, runnable, total) = thread::load();
    for average in averages {
        put!(out, "{}.{:02} ", average >> 16, ((average & 0xffff) * 100) >> 16)?;
    }
    let last = table::pids(cx).last().copied().unwrap_or(0);
    put!(out, "{runnable}/{total} {last}\n")
}

fn memory_info(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    let counts = machine::mm::counts();
    let kib = |frames: usize| frames * (PAGE_SIZE / 1024);
    let of = |kind: FrameKind| kib(counts.used[kind as usize]);
    let cached = of(FrameKind::PageCache);
    let stacks = kib(thread::counts().stacks * thread::STACK_PAGES);
    let slab = of(FrameKind::Kernel).saturating_sub(stacks);
    let lines = [
        ("MemTotal", kib(counts.total)),
        ("MemFree", kib(counts.free)),
        ("MemAvailable", kib(counts.free)),
        ("Buffers", 0),
        ("Cached", cached),
        ("SwapCached", 0),
        ("Active", of(FrameKind::Anonymous)),
        ("Inactive", cached),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("Writeback", 0),
        ("AnonPages", of(FrameKind::Anonymous)),
        ("Mapped", 0),
        ("Shmem", cached),
        ("Slab", slab),
        ("SReclaimable", 0),
        ("SUnreclaim", slab),
        ("KernelStack", stacks),
        ("PageTables", of(FrameKind::PageTable)),
        ("AnonHugePages", machine::mm::mapped_blocks() * (BLOCK_BYTES / 1024)),
    ];
    for (name, value) in lines {
        let start = out.len();
        put!(out, "{name}:")?;
        out.pad(start, 16)?;
        put!(out, "{value:8} kB\n")?;
    }
    Ok(())
}

/// CPU time of all programs so far, and of all CPUs: user, kernel, idle. Never less than it was told before, although the
/// figures it is made of are not read at one moment.
fn cpu_times(cx: &CurrentThread) -> (u64, u64, u64) {
    static USER: AtomicU64 = AtomicU64::new(0);
    static KERNEL: AtomicU64 = AtomicU64::new(0);
    let up = time::now().0;
    let idle: u64 = each_cpu().map(|cpu| thread::idle_ns(cpu).min(up)).sum();
    let busy = (up * cpu::count() as u64).saturating_sub(idle);
    // What has ended is in the sums of those who waited for it.
    let processes = table::pids(cx).into_iter().filter_map(|pid| table::find_process(cx, pid));
    let user: u64 =
        processes.map(|process| usage::of_process(cx, &process).user_ns + process.children_usage().user_ns).sum();
    let user = user.min(busy);
    let told = |total: &AtomicU64, now: u64| total.fetch_max(now, Ordering::Relaxed).max(now);
    (told(&USER, user), told(&KERNEL, busy - user), idle)
}

fn statistics(cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    let up = time::now().0;
    let (user, kernel, idle) = cpu_times(cx);
    put!(out, "cpu  {} 0 {} {} 0 0 0 0 0 0\n", ticks(user), ticks(kernel), ticks(idle))?;
    for cpu in each_cpu() {
        let idle = thread::idle_ns(cpu).min(up);
        // How a CPU's time divides is not counted apart: as that of all of them does.
        let busy = ticks(up - idle);
        let in_user = busy * ticks(user) / ticks(user + kernel).max(1);
        put!(out, "cpu{} {in_user} 0 {} {} 0 0 0 0 0 0\n", cpu.0, busy - in_user.min(busy), ticks(idle))?;
    }
    let (_, running, _) = thread::load();
    let processes = table::pids(cx).last().copied().unwrap_or(0);
    let booted = time::wall_clock_offset() / 1_000_000_000;
    put!(out, "intr 0\nctxt 0\nbtime {booted}\nprocesses {processes}\nprocs_running {running}\nprocs_blocked 0\n")
}

fn uptime(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    let up = time::now().0 / 10_000_000;
    let idle = each_cpu().map(thread::idle_ns).sum::<u64>() / 10_000_000;
    put!(out, "{}.{:02} {}.{:02}\n", up / 100, up % 100, idle / 100, idle % 100)
}

fn version(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    put!(out, "Linux version {} (ochre@ochre) {}\n", host::RELEASE, host::VERSION)
}

fn memory_statistics(_cx: &mut CurrentThread, out: &mut Text) -> Result<()> {
    let counts = machine::mm::counts();
    put!(out, "nr_free_pages {}\n", counts.free)?;
    put!(out, "nr_anon_pages {}\n", counts.used[FrameKind::Anonymous as usize])?;
    put!(out, "nr_file_pages {}\n", counts.used[FrameKind::PageCache as usize])?;
    put!(out, "nr_page_table_pages {}\n", counts.used[FrameKind::PageTable as usize])
}

/// The mounts as a process sees them: `/proc/PID/mounts`.
pub(super) fn mounts(cx: &mut CurrentThread, root: &path::Path, out: &mut Text) -> Result<()> {
    for mount in path::mounts(cx)? {
        let Some(name) = mount_name(cx, &mount, root)? else { continue };
        octal_escaped(out, &mount.source)?;
        out.bytes(b" ")?;
        octal_escaped(out, &name)?;
        put!(out, " {} {} 0 0\n", mount.super_block.file_system.type_name(), options(&mount))?;
    }
    Ok(())
}

/// The mounts with their numbers: `/proc/PID/mountinfo`.
pub(super) fn mount_info(cx: &mut CurrentThread, root: &path::Path, out: &mut Text) -> Result<()> {
    for mount in path::mounts(cx)? {
        let Some(name) = mount_name(cx, &mount, root)? else { continue };
        let parent = mount.on.as_ref().map_or(mount.id, |on| on.mount.id);
        let file_system = &mount.super_block.file_system;
        let device = file_system.device();
        put!(out, "{} {parent} {}:{} / ", mount.id, device.major, device.minor)?;
        octal_escaped(out, &name)?;
        put!(out, " {} - {} ", options(&mount), file_system.type_name())?;
        octal_escaped(out, &mount.source)?;
        put!(out, " rw\n")?;
    }
    Ok(())
}

/// Where the mount is seen from `root`; `None` if it is not.
fn mount_name(
    cx: &mut CurrentThread,
    mount: &alloc::sync::Arc<path::Mount>,
    root: &path::Path,
) -> Result<Option<alloc::vec::Vec<u8>>> {
    let place = path::Path { mount: mount.clone(), dentry: mount.root.clone() };
    let name = place.absolute_name(cx, root)?;
    Ok(name.starts_with(b"/").then_some(name))
}

fn options(mount: &path::Mount) -> alloc::string::String {
    let flags = mount.flags.load(Ordering::Relaxed);
    let mut options = alloc::string::String::from(if flags & path::MOUNT_READ_ONLY != 0 { "ro" } else { "rw" });
    for (flag, name) in
        [(path::MOUNT_NO_SETID, ",nosuid"), (path::MOUNT_NO_DEVICES, ",nodev"), (path::MOUNT_NO_EXECUTION, ",noexec")]
    {
        if flags & flag != 0 {
            options.push_str(name);
        }
    }
    options.push_str(",relatime");
    options
}

/// White space and backslashes as octal numbers, so that fields stay apart.
fn octal_escaped(out: &mut Text, name: &[u8]) -> Result<()> {
    for &byte in name {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => put!(out, "\\{byte:03o}")?,
            _ => out.bytes(&[byte])?,
        }
    }
    Ok(())
}
