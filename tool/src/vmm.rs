//! QEMU: which accelerator, which command line, and the process itself.
//!
//! Three channels leave the machine: the control channel (a socket pair, `wire::control`), the UART with early and failing
//! kernel's words (QEMU's stdout), and QEMU's own complaints (its stderr). A fourth, the observation channel (`wire::observe`), is there
//! when a command watches the run.

use crate::arch::Arch;
use crate::status::{self, failure};
use clap::ValueEnum;
use rustix::io::FdFlags;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `--accel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accelerator {
    /// Hardware virtualization if it is really there, else emulation.
    Auto,
    /// Hardware virtualization.
    Kvm,
    /// Emulation.
    Tcg,
    /// Emulation of one processor at a time, in which a nanosecond passes with each instruction: what is measured there does not depend on
    /// how busy the host is.
    Icount,
}

/// `--machine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Machine {
    /// x86_64: no firmware delay, devices on virtio-mmio (the default).
    Microvm,
    /// x86_64: a PC with PCI Express and ACPI.
    Q35,
    /// aarch64 with interrupt controller GICv3 (the default).
    Virt,
    /// aarch64 with interrupt controller GICv2.
    VirtGicv2,
}

impl Machine {
    fn arch(self) -> Arch {
        match self {
            Machine::Microvm | Machine::Q35 => Arch::X86_64,
            Machine::Virt | Machine::VirtGicv2 => Arch::Aarch64,
        }
    }

    /// The machine of an architecture that is used if none is named.
    pub(crate) fn default_of(arch: Arch) -> Machine {
        match arch {
            Arch::X86_64 => Machine::Microvm,
            Arch::Aarch64 => Machine::Virt,
        }
    }
}

/// A machine to be started.
pub(crate) struct Request<'a> {
    pub(crate) arch: Arch,
    pub(crate) machine: Machine,
    /// `auto` must have been decided by [`choose_accelerator`].
    pub(crate) accelerator: Accelerator,
    pub(crate) memory_mib: u64,
    pub(crate) cpus: u32,
    pub(crate) kernel: &'a Path,
    pub(crate) initramfs: &'a File,
    pub(crate) command_line: String,
    /// Where to copy what comes over the UART.
    pub(crate) console: Option<&'a Path>,
    /// Whether there is to be an observation channel.
    pub(crate) observed: bool,
    /// Words of the developer for QEMU's command line, put last.
    pub(crate) extra: &'a [String],
}

/// A running machine. Ended when dropped.
pub(crate) struct Vmm {
    pub(crate) child: Child,
    /// The control channel.
    pub(crate) control: UnixStream,
    /// The observation channel, if one was asked for, until somebody takes it.
    pub(crate) observe: Option<UnixStream>,
}

impl Drop for Vmm {
    fn drop(&mut self) {
        // Both fail only if it has ended and been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Decides `auto`: KVM only if the processor shows virtualization *and* the device opens. A `/dev/kvm` without the
/// processor's support exists on some cloud machines and hangs guests.
pub(crate) fn choose_accelerator(wanted: Accelerator, arch: Arch) -> anyhow::Result<Accelerator> {
    let usable = arch == Arch::host() && has_hardware_virtualization() && kvm_opens();
    match wanted {
        Accelerator::Tcg | Accelerator::Icount => Ok(wanted),
        Accelerator::Auto => Ok(if usable { Accelerator::Kvm } else { Accelerator::Tcg }),
        Accelerator::Kvm if usable => Ok(Accelerator::Kvm),
        Accelerator::Kvm => {
            let reason = why_no_kvm(arch);
            Err(failure(status::VMM, format!("KVM cannot be used: {reason}; use --accel tcg")))
        }
    }
}

/// Why hardware virtualization isn't used for `arch`, in a few words.
pub(crate) fn why_no_kvm(arch: Arch) -> &'static str {
    if arch != Arch::host() {
        "the guest's architecture is not the host's"
    } else if !has_hardware_virtualization() {
        "the processor shows no hardware virtualization"
    } else {
        "/dev/kvm cannot be opened"
    }
}

fn kvm_opens() -> bool {
    File::options().read(true).write(true).open("/dev/kvm").is_ok()
}

fn has_hardware_virtualization() -> bool {
    if Arch::host() == Arch::Aarch64 {
        return true;
    }
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("flags"))
        .any(|line| line.split_whitespace().any(|flag| flag == "vmx" || flag == "svm"))
}

/// Starts the machine.
pub(crate) fn start(qemu: &Path, request: &Request<'_>) -> anyhow::Result<Vmm> {
    let (control, control_theirs) = channel()?;
    let (observe, observe_theirs) =
        if request.observed { channel().map(|(a, b)| (Some(a), Some(b)))? } else { (None, None) };
    rustix::io::fcntl_setfd(request.initramfs.as_fd(), FdFlags::empty())?;
    let observe_fd = observe_theirs.as_ref().map(AsRawFd::as_raw_fd);
    let arguments = arguments(request, control_theirs.as_raw_fd(), observe_fd, request.initramfs.as_raw_fd());
    // The tool starts itself once more: the copy asks to die with its parent, then becomes QEMU.
    let child = Command::new(std::env::current_exe()?)
        .arg(BECOME_VMM)
        .arg(std::process::id().to_string())
        .arg(qemu)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    rustix::io::fcntl_setfd(request.initramfs.as_fd(), FdFlags::CLOEXEC)?;
    drop((control_theirs, observe_theirs));
    let child = child.map_err(|error| failure(status::VMM, format!("cannot start {}: {error}", qemu.display())))?;
    Ok(Vmm { child, control, observe })
}

/// A socket pair: our end, and the end that QEMU inherits.
fn channel() -> anyhow::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = UnixStream::pair()?;
    let theirs: OwnedFd = theirs.into();
    rustix::io::fcntl_setfd(theirs.as_fd(), FdFlags::empty())?;
    Ok((ours, theirs))
}

/// The hidden command of [`become_vmm`].
pub(crate) const BECOME_VMM: &str = "become-vmm";

/// `ochre become-vmm PARENT QEMU ARGUMENTS…`: what [`start`] starts.
pub(crate) fn become_vmm(arguments: &[std::ffi::OsString]) -> anyhow::Error {
    let [parent, qemu, rest @ ..] = arguments else { return anyhow::anyhow!("{BECOME_VMM} is for internal use") };
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        return error.into();
    }
    let parent_now = rustix::process::getppid().map(|id| id.as_raw_nonzero().get().to_string());
    if parent_now.as_deref().map(std::ffi::OsStr::new) != Some(parent.as_os_str()) {
        return anyhow::anyhow!("the tool ended before its machine was started");
    }
    let error = Command::new(qemu).args(rest).exec();
    failure(status::VMM, format!("cannot start {}: {error}", Path::new(qemu).display()))
}

/// QEMU's command line.
fn arguments(request: &Request<'_>, control: i32, observe: Option<i32>, initramfs: i32) -> Vec<String> {
    let kvm = request.accelerator == Accelerator::Kvm;
    let machine = match request.machine {
        // The kernel needs none of the old devices, and each costs time at start.
        Machine::Microvm => "microvm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=on",
        Machine::Q35 => "q35",
        Machine::Virt => "virt,gic-version=3",
        Machine::VirtGicv2 => "virt,gic-version=2",
    };
    let processor = match request.arch {
        _ if kvm => "host",
        Arch::X86_64 => "max",
        Arch::Aarch64 => "cortex-a72",
    };
    // On q35 the devices sit on PCI.
    let bus = if request.machine == Machine::Q35 { "pci" } else { "device" };
    let copy = request.console.map(|file| format!(",logfile={}", file.display().to_string().replace(',', ",,")));
    let uart = format!("stdio,id=uart,signal=off{}", copy.unwrap_or_default());
    let mut words: Vec<String> = [
        "-M",
        machine,
        "-accel",
        match request.accelerator {
            Accelerator::Kvm => "kvm",
            Accelerator::Icount => "tcg,thread=single",
            Accelerator::Tcg | Accelerator::Auto => "tcg,thread=multi",
        },
        "-cpu",
        processor,
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-global",
        "virtio-mmio.force-legacy=false",
        "-chardev",
        &uart,
        "-serial",
        "chardev:uart",
    ]
    .map(String::from)
    .into();
    let mut add = |name: &str, value: String| words.extend([name.into(), value]);
    add("-smp", request.cpus.to_string());
    add("-m", format!("{}M", request.memory_mib));
    add("-chardev", format!("socket,id=control,fd={control}"));
    add("-device", format!("virtio-serial-{bus},id=serial,max_ports=2"));
    add("-device", "virtserialport,bus=serial.0,chardev=control,name=ochre.control".into());
    if let Some(observe) = observe {
        add("-chardev", format!("socket,id=observe,fd={observe}"));
        add("-device", format!("virtio-serial-{bus},id=observed,max_ports=2"));
        add("-device", format!("virtserialport,bus=observed.0,chardev=observe,name={}", wire::observe::PORT_NAME));
    }
    add("-device", format!("virtio-rng-{bus}"));
    if request.arch == Arch::X86_64 {
        add("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04".into());
    }
    add("-kernel", request.kernel.display().to_string());
    // The file has no name; QEMU opens its own copy of the descriptor again.
    add("-initrd", format!("/dev/fd/{initramfs}"));
    add("-append", request.command_line.clone());
    if request.accelerator == Accelerator::Icount {
        // An idle machine's time is the host's: were it to jump to the next deadline, every wait for the host would be over at once.
        words.extend(
            ["-icount", "shift=0,sleep=on", "-rtc", "base=2020-01-01,clock=vm", "-seed", "1"].map(String::from),
        );
    }
    words.extend_from_slice(request.extra);
    words
}

/// Checks that machine and architecture belong together.
pub(crate) fn check_machine(machine: Machine, arch: Arch) -> anyhow::Result<()> {
    if machine.arch() == arch {
        return Ok(());
    }
    let name = machine.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default();
    Err(failure(status::USAGE, format!("the machine {name} is for {}, not for {arch}", machine.arch())))
}

/// The program `name` in the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file() && rustix::fs::access(file.as_path(), rustix::fs::Access::EXEC_OK).is_ok())
}
