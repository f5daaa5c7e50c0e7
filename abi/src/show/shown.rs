//! The vocabulary of a system call table: how an argument, or a result, is shown.
use super::names::Names;

/// How an argument is shown. Numbers in the variants are places of other arguments of the same call, the first being 0.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    /// Signed decimal.
    Signed,
    /// Unsigned decimal.
    Unsigned,
    /// Flags without names and the like; zero is `0`.
    Hexadecimal,
    /// Permission bits.
    Octal,
    /// A file descriptor; `AT_FDCWD` by name.
    Descriptor,
    /// An address, `NULL` by name.
    Address,
    /// A zero-terminated string, whole: names of files.
    Text,
    /// A signal number, by name.
    Signal,
    /// Flags by name.
    Bits(&'static Names),
    /// A choice by name.
    One(&'static Names),
    /// What the program hands over: read before the call.
    In(Data),
    /// What the call answers: read after it, if it was successful; the address else.
    Out(Data),
    /// `open`'s flags.
    OpenFlags,
    /// Permission bits, where the flags at this place make a file.
    ModeIfNew(usize),
    /// Type and permission bits.
    FileMode,
    /// A device number, `makedev(0x1, 0x3)`.
    Device,
    /// A socket's kind with its flags.
    SocketKind,
    /// A socket's protocol, the family being the first argument.
    Protocol,
    /// A socket option's name, the level being the argument before.
    SocketOption,
    /// Shown only if the flags at the place have one of these bits.
    If(usize, u64),
    /// All arguments of `clone`, where its first is.
    Clone,
    /// What a futex call does.
    FutexOperation,
    /// The rest of a futex call, where its value is.
    FutexRest,
    /// The rest of `fcntl`, where its argument is.
    FcntlArgument,
    /// What `ioctl` is asked for.
    IoctlRequest,
    /// The rest of `ioctl`, where its argument is.
    IoctlArgument,
    /// The rest of `prctl`, where its second argument is.
    PrctlArguments,
    /// Shown with an argument before.
    Hidden,
}

impl Shown {
    /// Whether it can be told only when the call is over.
    pub const fn is_told_after(self, arguments: &[u64; 6]) -> bool {
        match self {
            Shown::Out(_) => true,
            Shown::FcntlArgument => super::control::fcntl_answers(arguments[1]),
            Shown::IoctlArgument => super::control::ioctl_answers(arguments[1]),
            // CAST: as the kernel takes it.
            Shown::PrctlArguments => arguments[0] as u32 == super::control::PR_GET_NAME,
            _ => false,
        }
    }
}

/// What lies at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data {
    /// Bytes, as many as the argument at this place says; as many as the result says, if the call answers them.
    Bytes(usize),
    /// The same, each byte in hexadecimal.
    RandomBytes(usize),
    /// A zero-terminated string.
    String,
    /// A list of strings: a program's arguments.
    Strings,
    /// A list of strings that is only counted: a program's environment.
    Environment,
    /// `int`.
    Int,
    /// `unsigned int`.
    Word,
    /// 64-bit number.
    Long,
    /// `int[2]` of descriptors.
    DescriptorPair,
    /// As many `int`s as the argument at this place says, or the result.
    Ids(usize),
    /// A status of wait.
    WaitStatus,
    /// `struct timespec`.
    Timespec,
    /// `struct timespec`, told only if the call was interrupted.
    Remaining,
    /// Two `struct timespec` of a file.
    FileTimes,
    /// `struct timeval`.
    Timeval,
    /// Two `struct timeval`.
    TimevalPair,
    /// `struct itimerval`.
    Itimerval,
    /// `struct itimerspec`.
    Itimerspec,
    /// `struct timezone`.
    Timezone,
    /// `struct stat`.
    Stat,
    /// `struct statx`.
    Statx,
    /// `struct statfs`.
    Statfs,
    /// `struct rlimit`, infinity by this name.
    Rlimit(&'static str),
    /// `struct rusage`.
    Rusage,
    /// `struct utsname`.
    Utsname,
    /// `struct sysinfo`.
    Sysinfo,
    /// `struct tms`.
    Tms,
    /// Set of signals.
    Sigset,
    /// The set of signals and its size that `pselect6` takes in one.
    SigsetWithSize,
    /// `struct sigaction`.
    Sigaction,
    /// `siginfo_t`.
    Siginfo,
    /// `struct sigevent`.
    Sigevent,
    /// `stack_t`.
    AlternateStack,
    /// As many `struct pollfd` as the argument at this place says.
    Pollfds(usize),
    /// Set of descriptors, as many as the argument at this place says.
    FdSet(usize),
    /// `struct epoll_event`.
    EpollEvent,
    /// As many of them as the result says.
    EpollEvents,
    /// As many `struct iovec` as the argument at this place says.
    Iovecs(usize),
    /// `struct sockaddr` of as many bytes as the argument at this place says; where that is an address, the number there.
    Sockaddr(usize),
    /// The number there before and after.
    Length,
    /// `struct msghdr`.
    Message,
    /// Value of a socket option, of as many bytes as the argument at this place says (an address, for an answer).
    SocketValue(usize),
    /// Entries of a directory: counted.
    Entries,
    /// `struct clone_args`.
    CloneArguments,
    /// `struct open_how`.
    OpenHow,
    /// Set of processors, of as many bytes as the argument at this place says.
    Cpus(usize),
    /// `struct sched_param`.
    SchedParam,
    /// As many `struct sembuf` as the argument at this place says.
    Sembufs(usize),
}

/// How a result is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Decimal.
    Number,
    /// A descriptor.
    Descriptor,
    /// Hexadecimal.
    Place,
    /// Permission bits.
    Permissions,
    /// A scheduling policy with its name.
    Policy,
    /// What `fcntl` answers depends on its command.
    Control,
    /// `poll`: which are ready, the array being the first argument.
    Ready,
    /// `select`: which are ready.
    Selected,
    /// The call does not come back.
    Never,
}
