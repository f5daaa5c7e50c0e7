//! Flags and choices by name: the tables behind [`super::Shown`], in the order in which strace's users see them. Values come from
//! Linux's headers for the architecture built for, where `linux-raw-sys` has them.

/// A table of names. The prefix completes an unknown value: `0x37 /* RUSAGE_??? */`.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// What an unknown value would be called.
    pub unknown: &'static str,
    /// Value and name. Among flags, one of several bits stands before its bits, and a zero names the empty set.
    pub entries: &'static [(u64, &'static str)],
}

impl Names {
    /// The name of exactly this value.
    pub fn find(&self, value: u64) -> Option<&'static str> {
        self.entries.iter().find(|(other, _)| *other == value).map(|(_, name)| *name)
    }
}

macro_rules! names {
    ($($(#[doc = $text:literal])* $table:ident, $unknown:literal, { $($name:ident $(= $value:expr)?),* $(,)? })*) => {
        $(
            $(#[doc = $text])*
            // CAST: the headers have them as 32 bits without a sign.
            pub static $table: Names = Names {
                unknown: $unknown,
                entries: &[$((names!(@value $name $($value)?), stringify!($name))),*],
            };
        )*
    };
    (@value $name:ident) => { crate::linux::$name as u64 };
    (@value $name:ident $value:expr) => { $value };
}

names! {
    /// Flags of open beside the access mode.
    OPEN, "O_???", {
        O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_APPEND, O_NONBLOCK, O_SYNC, O_DSYNC, O_DIRECT,
        O_LARGEFILE, O_NOFOLLOW, O_NOATIME, O_CLOEXEC, O_PATH, O_TMPFILE, O_DIRECTORY, O_ASYNC = 0o20000,
    }
    /// How a file is opened: two bits.
    ACCESS_MODE, "O_???", { O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE }
    /// `openat2`.
    RESOLVE, "RESOLVE_???", {
        RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_CACHED,
    }
    /// Of the calls on names.
    AT, "AT_???", {
        AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH, AT_RECURSIVE,
    }
    /// `unlinkat`.
    AT_UNLINK, "AT_???", { AT_REMOVEDIR }
    /// `faccessat2`.
    AT_ACCESS, "AT_???", { AT_SYMLINK_NOFOLLOW, AT_EACCESS, AT_EMPTY_PATH }
    /// `statx`; how to synchronize comes first and is two bits.
    AT_STATX, "AT_???", {
        AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC, AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH,
    }
    /// `statx`.
    STATX, "STATX_???", {
        STATX_ALL, STATX_BASIC_STATS, STATX_TYPE, STATX_MODE, STATX_NLINK, STATX_UID, STATX_GID, STATX_ATIME, STATX_MTIME,
        STATX_CTIME, STATX_INO, STATX_SIZE, STATX_BLOCKS, STATX_BTIME, STATX_MNT_ID, STATX_DIOALIGN,
    }
    /// `access`.
    ACCESS, "?_OK", { F_OK = 0, R_OK = 4, W_OK = 2, X_OK = 1 }
    /// `lseek` and record locks.
    WHENCE, "SEEK_???", { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2, SEEK_DATA = 3, SEEK_HOLE = 4 }
    /// `flock`.
    FLOCK, "LOCK_???", { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 }
    /// Kinds of record locks.
    LOCK_KIND, "F_???", { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 }
    /// `fcntl`.
    FCNTL, "F_???", {
        F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7, F_SETOWN = 8,
        F_GETOWN = 9, F_SETSIG = 10, F_GETSIG = 11, F_SETOWN_EX = 15, F_GETOWN_EX = 16, F_OFD_GETLK = 36, F_OFD_SETLK = 37,
        F_OFD_SETLKW = 38, F_SETLEASE = 1024, F_GETLEASE = 1025, F_NOTIFY = 1026, F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ = 1031,
        F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033, F_GET_SEALS = 1034, F_GET_RW_HINT = 1035, F_SET_RW_HINT = 1036,
    }
    /// Flags of a descriptor.
    FD, "FD_???", { FD_CLOEXEC = 1 }
    /// `dup3`, `pipe2`.
    CLOEXEC, "O_???", { O_NONBLOCK, O_CLOEXEC, O_DIRECT }
    /// `close_range`.
    CLOSE_RANGE, "CLOSE_RANGE_???", { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 }
    /// `renameat2`.
    RENAME, "RENAME_???", { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 }
    /// `fallocate`.
    FALLOC, "FALLOC_FL_???", {
        FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2, FALLOC_FL_NO_HIDE_STALE = 4, FALLOC_FL_COLLAPSE_RANGE = 8,
        FALLOC_FL_ZERO_RANGE = 0x10, FALLOC_FL_INSERT_RANGE = 0x20, FALLOC_FL_UNSHARE_RANGE = 0x40,
    }
    /// `fadvise64`.
    FADVISE, "POSIX_FADV_???", {
        POSIX_FADV_NORMAL = 0, POSIX_FADV_RANDOM = 1, POSIX_FADV_SEQUENTIAL = 2, POSIX_FADV_WILLNEED = 3, POSIX_FADV_DONTNEED = 4,
        POSIX_FADV_NOREUSE = 5,
    }
    /// `sync_file_range`.
    SYNC_RANGE, "SYNC_FILE_RANGE_???", {
        SYNC_FILE_RANGE_WAIT_BEFORE = 1, SYNC_FILE_RANGE_WRITE = 2, SYNC_FILE_RANGE_WAIT_AFTER = 4,
    }
    /// `preadv2`, `pwritev2`.
    RWF, "RWF_???", { RWF_HIPRI = 1, RWF_DSYNC = 2, RWF_SYNC = 4, RWF_NOWAIT = 8, RWF_APPEND = 0x10, RWF_NOAPPEND = 0x20 }
    /// `splice`, `tee`, `vmsplice`.
    SPLICE, "SPLICE_F_???", { SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4, SPLICE_F_GIFT = 8 }
    /// `setxattr`.
    XATTR, "XATTR_???", { XATTR_CREATE = 1, XATTR_REPLACE = 2 }
    /// `mount`.
    MOUNT, "MS_???", {
        MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_SYNCHRONOUS = 0x10, MS_REMOUNT = 0x20, MS_MANDLOCK = 0x40,
        MS_DIRSYNC = 0x80, MS_NOSYMFOLLOW = 0x100, MS_NOATIME = 0x400, MS_NODIRATIME = 0x800, MS_BIND = 0x1000, MS_MOVE = 0x2000,
        MS_REC = 0x4000, MS_SILENT = 0x8000, MS_POSIXACL = 0x1_0000, MS_UNBINDABLE = 0x2_0000, MS_PRIVATE = 0x4_0000,
        MS_SLAVE = 0x8_0000, MS_SHARED = 0x10_0000, MS_RELATIME = 0x20_0000, MS_STRICTATIME = 0x100_0000,
        MS_LAZYTIME = 0x200_0000,
    }
    /// `umount2`.
    UMOUNT, "MNT_???", { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 }
    /// `mmap`, `mprotect`.
    PROT, "PROT_???", {
        PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, PROT_SEM = 8, PROT_GROWSDOWN = 0x100_0000,
        PROT_GROWSUP = 0x200_0000,
    }
    /// `mmap`.
    MAP, "MAP_???", {
        MAP_FILE = 0, MAP_SHARED_VALIDATE = 3, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20,
        MAP_32BIT = 0x40, MAP_NORESERVE = 0x4000, MAP_POPULATE = 0x8000, MAP_NONBLOCK = 0x1_0000, MAP_GROWSDOWN = 0x100,
        MAP_DENYWRITE = 0x800, MAP_EXECUTABLE = 0x1000, MAP_LOCKED = 0x2000, MAP_STACK = 0x2_0000, MAP_HUGETLB = 0x4_0000,
        MAP_SYNC = 0x8_0000, MAP_FIXED_NOREPLACE = 0x10_0000,
    }
    /// `mremap`.
    MREMAP, "MREMAP_???", { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 }
    /// `madvise`.
    MADV, "MADV_???", {
        MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2, MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 8,
        MADV_REMOVE = 9, MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_MERGEABLE = 12, MADV_UNMERGEABLE = 13, MADV_HUGEPAGE = 14,
        MADV_NOHUGEPAGE = 15, MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_WIPEONFORK = 18, MADV_KEEPONFORK = 19, MADV_COLD = 20,
        MADV_PAGEOUT = 21, MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23, MADV_DONTNEED_LOCKED = 24, MADV_COLLAPSE = 25,
        MADV_HWPOISON = 100, MADV_SOFT_OFFLINE = 101, MADV_GUARD_INSTALL = 102, MADV_GUARD_REMOVE = 103,
    }
    /// `msync`.
    MSYNC, "MS_???", { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 }
    /// `mlockall`.
    MCL, "MCL_???", { MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4 }
    /// `mlock2`.
    MLOCK, "MLOCK_???", { MLOCK_ONFAULT = 1 }
    /// `clone`.
    CLONE, "CLONE_???", {
        CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800, CLONE_PIDFD = 0x1000,
        CLONE_PTRACE = 0x2000, CLONE_VFORK = 0x4000, CLONE_PARENT = 0x8000, CLONE_THREAD = 0x1_0000, CLONE_NEWNS = 0x2_0000,
        CLONE_SYSVSEM = 0x4_0000, CLONE_SETTLS = 0x8_0000, CLONE_PARENT_SETTID = 0x10_0000, CLONE_CHILD_CLEARTID = 0x20_0000,
        CLONE_DETACHED = 0x40_0000, CLONE_UNTRACED = 0x80_0000, CLONE_CHILD_SETTID = 0x100_0000, CLONE_NEWCGROUP = 0x200_0000,
        CLONE_NEWUTS = 0x400_0000, CLONE_NEWIPC = 0x800_0000, CLONE_NEWUSER = 0x1000_0000, CLONE_NEWPID = 0x2000_0000,
        CLONE_NEWNET = 0x4000_0000, CLONE_IO = 0x8000_0000, CLONE_CLEAR_SIGHAND = 0x1_0000_0000,
        CLONE_INTO_CGROUP = 0x2_0000_0000, CLONE_NEWTIME = 0x80,
    }
    /// `wait4`, `waitid`.
    WAIT, "W???", {
        WNOHANG = 1, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x100_0000, __WNOTHREAD = 0x2000_0000,
        __WALL = 0x4000_0000, __WCLONE = 0x8000_0000,
    }
    /// `waitid`.
    WAIT_FOR, "P_???", { P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3 }
    /// `sigaction`, `SA_RESTORER` first as strace has it.
    SA, "SA_???", {
        SA_RESTORER, SA_RESTART, SA_NOCLDSTOP, SA_NOCLDWAIT, SA_ONSTACK, SA_RESETHAND, SA_NODEFER, SA_SIGINFO,
        SA_UNSUPPORTED, SA_EXPOSE_TAGBITS,
    }
    /// `sigprocmask`.
    SIG_HOW, "SIG_???", { SIG_BLOCK = 0, SIG_UNBLOCK = 1, SIG_SETMASK = 2 }
    /// Alternate stacks.
    SS, "SS_???", { SS_ONSTACK = 1, SS_DISABLE = 2, SS_AUTODISARM = 0x8000_0000 }
    /// `poll`.
    POLL, "POLL???", {
        POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLRDNORM = 0x40, POLLWRNORM = 0x100, POLLRDBAND = 0x80, POLLWRBAND = 0x200,
        POLLERR = 8, POLLHUP = 0x10, POLLNVAL = 0x20, POLLMSG = 0x400, POLLREMOVE = 0x1000, POLLRDHUP = 0x2000,
    }
    /// `epoll_ctl`.
    EPOLL, "EPOLL???", {
        EPOLLIN = 1, EPOLLPRI = 2, EPOLLOUT = 4, EPOLLRDNORM = 0x40, EPOLLRDBAND = 0x80, EPOLLWRNORM = 0x100,
        EPOLLWRBAND = 0x200, EPOLLMSG = 0x400, EPOLLERR = 8, EPOLLHUP = 0x10, EPOLLRDHUP = 0x2000, EPOLLEXCLUSIVE = 0x1000_0000,
        EPOLLWAKEUP = 0x2000_0000, EPOLLONESHOT = 0x4000_0000, EPOLLET = 0x8000_0000,
    }
    /// `epoll_ctl`.
    EPOLL_CTL, "EPOLL_CTL_???", { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 }
    /// `epoll_create1`.
    EPOLL_CREATE, "EPOLL_???", { EPOLL_CLOEXEC }
    /// `eventfd2`.
    EFD, "EFD_???", { EFD_SEMAPHORE, EFD_CLOEXEC, EFD_NONBLOCK }
    /// `timerfd_create`.
    TFD, "TFD_???", { TFD_CLOEXEC, TFD_NONBLOCK }
    /// `timerfd_settime`.
    TFD_TIMER, "TFD_???", { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 }
    /// `clock_nanosleep`, `timer_settime`.
    TIMER, "TIMER_???", { TIMER_ABSTIME = 1 }
    /// `signalfd4`.
    SFD, "SFD_???", { SFD_CLOEXEC = 0o200_0000, SFD_NONBLOCK = 0o4000 }
    /// `inotify_init1`.
    INOTIFY, "IN_???", { IN_NONBLOCK, IN_CLOEXEC }
    /// `inotify_add_watch`.
    IN, "IN_???", {
        IN_ACCESS = 1, IN_MODIFY = 2, IN_ATTRIB = 4, IN_CLOSE_WRITE = 8, IN_CLOSE_NOWRITE = 0x10, IN_OPEN = 0x20,
        IN_MOVED_FROM = 0x40, IN_MOVED_TO = 0x80, IN_CREATE = 0x100, IN_DELETE = 0x200, IN_DELETE_SELF = 0x400,
        IN_MOVE_SELF = 0x800, IN_UNMOUNT = 0x2000, IN_Q_OVERFLOW = 0x4000, IN_IGNORED = 0x8000, IN_ONLYDIR = 0x100_0000,
        IN_DONT_FOLLOW = 0x200_0000, IN_EXCL_UNLINK = 0x400_0000, IN_MASK_CREATE = 0x1000_0000, IN_MASK_ADD = 0x2000_0000,
        IN_ISDIR = 0x4000_0000, IN_ONESHOT = 0x8000_0000,
    }
    /// `memfd_create`.
    MFD, "MFD_???", { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4, MFD_NOEXEC_SEAL = 8, MFD_EXEC = 0x10 }
    /// `getrandom`.
    GRND, "GRND_???", { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 }
    /// What a futex call does, without its flags.
    FUTEX, "FUTEX_???", {
        FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_FD = 2, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4, FUTEX_WAKE_OP = 5,
        FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI = 7, FUTEX_TRYLOCK_PI = 8, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10,
        FUTEX_WAIT_REQUEUE_PI = 11, FUTEX_CMP_REQUEUE_PI = 12, FUTEX_LOCK_PI2 = 13,
    }
    /// Clocks.
    CLOCK, "CLOCK_???", {
        CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2, CLOCK_THREAD_CPUTIME_ID = 3,
        CLOCK_MONOTONIC_RAW = 4, CLOCK_REALTIME_COARSE = 5, CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7,
        CLOCK_REALTIME_ALARM = 8, CLOCK_BOOTTIME_ALARM = 9, CLOCK_TAI = 11,
    }
    /// Interval timers.
    ITIMER, "ITIMER_???", { ITIMER_REAL = 0, ITIMER_VIRTUAL = 1, ITIMER_PROF = 2 }
    /// `getrusage`.
    RUSAGE, "RUSAGE_???", { RUSAGE_SELF = 0, RUSAGE_CHILDREN = 0xffff_ffff, RUSAGE_THREAD = 1 }
    /// Limits.
    RLIMIT, "RLIMIT_???", {
        RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_CORE = 4, RLIMIT_RSS = 5, RLIMIT_NPROC = 6,
        RLIMIT_NOFILE = 7, RLIMIT_MEMLOCK = 8, RLIMIT_AS = 9, RLIMIT_LOCKS = 10, RLIMIT_SIGPENDING = 11, RLIMIT_MSGQUEUE = 12,
        RLIMIT_NICE = 13, RLIMIT_RTPRIO = 14, RLIMIT_RTTIME = 15,
    }
    /// `getpriority`.
    PRIO, "PRIO_???", { PRIO_PROCESS = 0, PRIO_PGRP = 1, PRIO_USER = 2 }
    /// Scheduling policies.
    SCHED, "SCHED_???", {
        SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5, SCHED_DEADLINE = 6,
    }
    /// Address families.
    AF, "AF_???", {
        AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_AX25 = 3, AF_IPX = 4, AF_APPLETALK = 5, AF_X25 = 9, AF_INET6 = 10, AF_KEY = 15,
        AF_NETLINK = 16, AF_PACKET = 17, AF_RDS = 21, AF_PPPOX = 24, AF_CAN = 29, AF_TIPC = 30, AF_BLUETOOTH = 31, AF_RXRPC = 33,
        AF_ALG = 38, AF_VSOCK = 40, AF_KCM = 41, AF_XDP = 44,
    }
    /// Kinds of sockets, without their flags.
    SOCK, "SOCK_???", {
        SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_RDM = 4, SOCK_SEQPACKET = 5, SOCK_DCCP = 6, SOCK_PACKET = 10,
    }
    /// Flags of a new socket.
    SOCK_FLAGS, "SOCK_???", { SOCK_CLOEXEC = 0o200_0000, SOCK_NONBLOCK = 0o4000 }
    /// Protocols of AF_INET and AF_INET6.
    IPPROTO, "IPPROTO_???", {
        IPPROTO_IP = 0, IPPROTO_ICMP = 1, IPPROTO_IGMP = 2, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_IPV6 = 41,
        IPPROTO_ICMPV6 = 58, IPPROTO_SCTP = 132, IPPROTO_RAW = 255,
    }
    /// Levels of socket options.
    SOL, "SOL_???", {
        SOL_IP = 0, SOL_SOCKET = 1, SOL_TCP = 6, SOL_UDP = 17, SOL_IPV6 = 41, SOL_PACKET = 263, SOL_NETLINK = 270, SOL_ALG = 279,
        SOL_VSOCK = 287,
    }
    /// Options of SOL_SOCKET.
    SO, "SO_???", {
        SO_DEBUG = 1, SO_REUSEADDR = 2, SO_TYPE = 3, SO_ERROR = 4, SO_DONTROUTE = 5, SO_BROADCAST = 6, SO_SNDBUF = 7, SO_RCVBUF = 8,
        SO_KEEPALIVE = 9, SO_OOBINLINE = 10, SO_NO_CHECK = 11, SO_PRIORITY = 12, SO_LINGER = 13, SO_BSDCOMPAT = 14, SO_REUSEPORT = 15,
        SO_PASSCRED = 16, SO_PEERCRED = 17, SO_RCVLOWAT = 18, SO_SNDLOWAT = 19, SO_RCVTIMEO_OLD = 20, SO_SNDTIMEO_OLD = 21,
        SO_BINDTODEVICE = 25, SO_ATTACH_FILTER = 26, SO_DETACH_FILTER = 27, SO_PEERNAME = 28, SO_TIMESTAMP_OLD = 29,
        SO_ACCEPTCONN = 30, SO_PEERSEC = 31, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33, SO_PASSSEC = 34, SO_MARK = 36,
        SO_PROTOCOL = 38, SO_DOMAIN = 39, SO_PEEK_OFF = 42, SO_PEERGROUPS = 59, SO_PEERPIDFD = 77,
    }
    /// Options of SOL_TCP.
    TCP, "TCP_???", {
        TCP_NODELAY = 1, TCP_MAXSEG = 2, TCP_CORK = 3, TCP_KEEPIDLE = 4, TCP_KEEPINTVL = 5, TCP_KEEPCNT = 6, TCP_SYNCNT = 7,
        TCP_LINGER2 = 8, TCP_DEFER_ACCEPT = 9, TCP_WINDOW_CLAMP = 10, TCP_INFO = 11, TCP_QUICKACK = 12, TCP_CONGESTION = 13,
        TCP_USER_TIMEOUT = 18, TCP_FASTOPEN = 23,
    }
    /// Control messages of SOL_SOCKET.
    SCM, "SCM_???", { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, SCM_SECURITY = 3, SCM_PIDFD = 4 }
    /// `send` and `recv`.
    MSG, "MSG_???", {
        MSG_OOB = 1, MSG_PEEK = 2, MSG_DONTROUTE = 4, MSG_CTRUNC = 8, MSG_PROBE = 0x10, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40,
        MSG_EOR = 0x80, MSG_WAITALL = 0x100, MSG_FIN = 0x200, MSG_SYN = 0x400, MSG_CONFIRM = 0x800, MSG_RST = 0x1000,
        MSG_ERRQUEUE = 0x2000, MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000, MSG_WAITFORONE = 0x1_0000, MSG_BATCH = 0x4_0000,
        MSG_ZEROCOPY = 0x400_0000, MSG_FASTOPEN = 0x2000_0000, MSG_CMSG_CLOEXEC = 0x4000_0000,
    }
    /// `shutdown`.
    SHUT, "SHUT_???", { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2 }
    /// System V objects: commands.
    IPC, "IPC_???", {
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, GETPID = 11, GETVAL = 12, GETALL = 13, GETNCNT = 14, GETZCNT = 15,
        SETVAL = 16, SETALL = 17,
    }
    /// `arch_prctl`.
    ARCH, "ARCH_???", { ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004, ARCH_CET_STATUS = 0x3001 }
    /// `prctl`.
    PR, "PR_???", {
        PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4, PR_GET_KEEPCAPS = 7,
        PR_SET_KEEPCAPS = 8, PR_SET_NAME = 15, PR_GET_NAME = 16, PR_GET_SECCOMP = 21, PR_SET_SECCOMP = 22, PR_CAPBSET_READ = 23,
        PR_CAPBSET_DROP = 24, PR_GET_TSC = 25, PR_SET_TSC = 26, PR_GET_SECUREBITS = 27, PR_SET_SECUREBITS = 28,
        PR_SET_TIMERSLACK = 29, PR_GET_TIMERSLACK = 30, PR_SET_MM = 35, PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37,
        PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40, PR_SET_THP_DISABLE = 41,
        PR_GET_THP_DISABLE = 42, PR_CAP_AMBIENT = 47, PR_SVE_SET_VL = 50, PR_SVE_GET_VL = 51, PR_SET_TAGGED_ADDR_CTRL = 55,
        PR_GET_TAGGED_ADDR_CTRL = 56, PR_SET_VMA = 0x5356_4d41, PR_SET_PTRACER = 0x5961_6d61,
    }
    /// `membarrier`.
    MEMBARRIER, "MEMBARRIER_CMD_???", {
        MEMBARRIER_CMD_QUERY = 0, MEMBARRIER_CMD_GLOBAL = 1, MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2,
        MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4, MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 0x10, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 0x20,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 0x40, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 0x80,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 0x100,
    }
    /// `ioctl`.
    IOCTL, "_IOC(???)", {
        TCGETS = 0x5401, TCSETS = 0x5402, TCSETSW = 0x5403, TCSETSF = 0x5404, TCGETA = 0x5405, TCSETA = 0x5406, TCSBRK = 0x5409,
        TCXONC = 0x540a, TCFLSH = 0x540b, TIOCEXCL = 0x540c, TIOCNXCL = 0x540d, TIOCSCTTY = 0x540e, TIOCGPGRP = 0x540f,
        TIOCSPGRP = 0x5410, TIOCOUTQ = 0x5411, TIOCSTI = 0x5412, TIOCGWINSZ = 0x5413, TIOCSWINSZ = 0x5414, FIONREAD = 0x541b,
        TIOCCONS = 0x541d, FIONBIO = 0x5421, TIOCNOTTY = 0x5422, TIOCSETD = 0x5423, TIOCGETD = 0x5424, TCSBRKP = 0x5425,
        TIOCGSID = 0x5429, TCGETS2 = 0x802c_542a, TCSETS2 = 0x402c_542b, TCSETSW2 = 0x402c_542c, TCSETSF2 = 0x402c_542d,
        TIOCGPTN = 0x8004_5430, TIOCSPTLCK = 0x4004_5431, TIOCGPTLCK = 0x8004_5439, TIOCGPTPEER = 0x5441, FIONCLEX = 0x5450,
        FIOCLEX = 0x5451, FIOASYNC = 0x5452, BLKGETSIZE64 = 0x8008_1272, FICLONE = 0x4004_9409, FS_IOC_GETFLAGS = 0x8008_6601,
        FS_IOC_SETFLAGS = 0x4008_6602, SIOCGIFCONF = 0x8912, SIOCGIFFLAGS = 0x8913, SIOCGIFADDR = 0x8915, SIOCGIFINDEX = 0x8933,
        RTC_RD_TIME = 0x8024_7009,
    }
    /// Types of files.
    FILE_TYPE, "S_IF???", {
        S_IFREG = 0o100000, S_IFDIR = 0o40000, S_IFLNK = 0o120000, S_IFCHR = 0o20000, S_IFBLK = 0o60000, S_IFIFO = 0o10000,
        S_IFSOCK = 0o140000,
    }
    /// Magic numbers of file systems.
    FS_MAGIC, "FS_???", {
        TMPFS_MAGIC = 0x0102_1994, RAMFS_MAGIC = 0x8584_58f6, PROC_SUPER_MAGIC = 0x9fa0, SYSFS_MAGIC = 0x6265_6572,
        DEVPTS_SUPER_MAGIC = 0x1cd1, EXT2_SUPER_MAGIC = 0xef53, PIPEFS_MAGIC = 0x5049_5045, SOCKFS_MAGIC = 0x534f_434b,
        OVERLAYFS_SUPER_MAGIC = 0x794c_7630, V9FS_MAGIC = 0x0102_1997, CGROUP2_SUPER_MAGIC = 0x6367_7270,
    }
    /// Of a mounted file system.
    ST, "ST_???", {
        ST_VALID = 0x20, ST_RDONLY = 1, ST_NOSUID = 2, ST_NODEV = 4, ST_NOEXEC = 8, ST_SYNCHRONOUS = 0x10, ST_MANDLOCK = 0x40,
        ST_NOATIME = 0x400, ST_NODIRATIME = 0x800, ST_RELATIME = 0x1000, ST_NOSYMFOLLOW = 0x2000,
    }
    /// Who sent a signal: codes that are the same for all.
    SI, "SI_???", {
        SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = 0xffff_ffff, SI_TIMER = 0xffff_fffe, SI_MESGQ = 0xffff_fffd,
        SI_ASYNCIO = 0xffff_fffc, SI_SIGIO = 0xffff_fffb, SI_TKILL = 0xffff_fffa,
    }
    /// Codes of SIGCHLD.
    CLD, "CLD_???", { CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5, CLD_CONTINUED = 6 }
    /// Codes of SIGSEGV.
    SEGV, "SEGV_???", { SEGV_MAPERR = 1, SEGV_ACCERR = 2, SEGV_BNDERR = 3, SEGV_PKUERR = 4 }
    /// Codes of SIGBUS.
    BUS, "BUS_???", { BUS_ADRALN = 1, BUS_ADRERR = 2, BUS_OBJERR = 3, BUS_MCEERR_AR = 4, BUS_MCEERR_AO = 5 }
    /// Codes of SIGFPE.
    FPE, "FPE_???", {
        FPE_INTDIV = 1, FPE_INTOVF = 2, FPE_FLTDIV = 3, FPE_FLTOVF = 4, FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7, FPE_FLTSUB = 8,
    }
    /// Codes of SIGILL.
    ILL, "ILL_???", { ILL_ILLOPC = 1, ILL_ILLOPN = 2, ILL_ILLADR = 3, ILL_ILLTRP = 4, ILL_PRVOPC = 5, ILL_PRVREG = 6, ILL_COPROC = 7, ILL_BADSTK = 8 }
    /// Codes of SIGTRAP.
    TRAP, "TRAP_???", { TRAP_BRKPT = 1, TRAP_TRACE = 2, TRAP_BRANCH = 3, TRAP_HWBKPT = 4 }
    /// Signals.
    SIGNAL, "SIG???", {
        SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGUSR1 = 10,
        SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGSTKFLT = 16, SIGCHLD = 17, SIGCONT = 18,
        SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25, SIGVTALRM = 26,
        SIGPROF = 27, SIGWINCH = 28, SIGIO = 29, SIGPWR = 30, SIGSYS = 31,
    }
    /// `timer_create`.
    SIGEV, "SIGEV_???", { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4 }
    /// `ptrace`.
    PTRACE, "PTRACE_???", {
        PTRACE_TRACEME = 0, PTRACE_PEEKTEXT = 1, PTRACE_PEEKDATA = 2, PTRACE_PEEKUSER = 3, PTRACE_POKETEXT = 4, PTRACE_POKEDATA = 5,
        PTRACE_POKEUSER = 6, PTRACE_CONT = 7, PTRACE_KILL = 8, PTRACE_SINGLESTEP = 9, PTRACE_GETREGS = 12, PTRACE_SETREGS = 13,
        PTRACE_ATTACH = 16, PTRACE_DETACH = 17, PTRACE_SYSCALL = 24, PTRACE_SETOPTIONS = 0x4200, PTRACE_GETEVENTMSG = 0x4201,
        PTRACE_GETSIGINFO = 0x4202, PTRACE_SETSIGINFO = 0x4203, PTRACE_GETREGSET = 0x4204, PTRACE_SETREGSET = 0x4205,
        PTRACE_SEIZE = 0x4206, PTRACE_INTERRUPT = 0x4207, PTRACE_LISTEN = 0x4208, PTRACE_GET_SYSCALL_INFO = 0x420e,
    }
}
