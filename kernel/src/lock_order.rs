//! Every kind of lock of the kernel and what it protects, in the order in which they may be taken: a lock may be taken
//! only while all held locks have a lower rank. Checked builds compare at each acquire.
//!
//! Sleeping locks come first (they are held while spin locks are taken, never the reverse). Leave gaps; one line a lock.
//! `machine` has its own classes from rank 900 on (wait queues, heap, frames).
use machine::sync::LockClass;

macro_rules! lock_classes {
    ($($(#[doc = $text:literal])* $name:ident = $rank:literal;)*) => {
        $($(#[doc = $text])* pub static $name: LockClass = LockClass { name: stringify!($name), rank: $rank };)*
        /// All of them, for listings.
        pub static ALL: &[&LockClass] = &[$(&$name),*];
    };
}

lock_classes! {
    // Sleeping locks: up to 499.
    /// Held while a session of the observation channel begins or ends, and while a wish is granted (`observe::session`). Wishes may read files.
    OBSERVE_SESSION = 99;
    /// One open file description's position (`fs::open_file`).
    FILE_OFFSET = 100;
    /// One file system's tree: for writing by renames between directories, for reading by other changes of names (`fs::path`).
    RENAME = 110;
    /// One directory's names and look-ups that miss the cache (`fs::dentry`).
    DIRECTORY = 120;
    /// One inode's contents against other writers (`fs::inode`).
    INODE_WRITE = 130;
    /// Which epoll sets watch which (`fs::epoll_nesting`).
    EPOLL_NESTING = 101;
    /// Futexes that are locks with an owner (`task::pi_futex`). Held while user memory is read and changed.
    PI_FUTEX = 103;
    /// What one epoll set watches, and which sets watch it (`fs::epoll`, `fs::epoll_nesting`).
    EPOLL = 102;
    /// One opened text of `/proc` (`fs::procfs`).
    PROC_TEXT = 105;
    /// Held while a socket is given a name (`net::names`).
    SOCKET_BIND = 107;
    /// Held by the one who receives from a socket (`net::receive`).
    SOCKET_RECEIVE = 145;
    /// Held by who hands the console's output on (`tty::console`).
    CONSOLE_OUTPUT = 148;
    /// One pipe's ring (`fs::pipe`).
    PIPE = 140;
    /// Held by whoever tells changes of readiness that destructors left (`fs::listeners`).
    CHANGES_TOLD = 149;
    /// Held while an event is told to the tool (`syscall::strace`).
    STRACE = 150;
    /// Held by whoever asks the sources of the observation channel for what they have (`observe::thread`).
    OBSERVE_DRAIN = 380;
    /// What is gathered of a trace program before it is loaded (`trace::program`).
    TRACE_PROGRAM = 381;
    /// How far telling what a trace program gathered has come (`trace::program::tell`).
    TRACE_PROGRESS = 382;
    /// Which functions of the kernel have probes (`trace::functions`).
    TRACE_FUNCTIONS = 384;
    /// How far the trace rings have been followed (`observe::records`).
    OBSERVE_RECORDS = 383;
    /// Held by whoever takes the profiler's samples out of their rings (`observe::samples`).
    OBSERVE_SAMPLES = 385;
    /// Held by the one who looks for memory to free when there is none (`mm::oom`). Taken where programs' frames run out.
    OUT_OF_MEMORY = 390;
    /// One address space: areas, page table, heap (`mm::space`). Taken by faults, so after every lock that may be held while user
    /// memory is copied.
    ADDRESS_SPACE = 400;

    // Spin locks taken by threads: 500 to 799.
    /// The mount table (`fs::path`).
    MOUNT_TABLE = 500;
    /// Known character devices (`fs::device`).
    DEVICES = 502;
    /// One descriptor table (`fs::table`).
    FILE_TABLE = 504;
    /// One root, working directory and umask (`fs::context`).
    FS_CONTEXT = 506;
    /// One bucket of the cache of names (`fs::dentry`).
    DENTRY_BUCKET = 510;
    /// One name's place (`fs::dentry`).
    DENTRY = 512;
    /// One tmpfs directory's entries (`fs::tmpfs`).
    TMPFS_DIRECTORY = 520;
    /// One inode's file locks (`fs::file_lock`).
    FILE_LOCKS = 524;
    /// Who waits for which record lock (`fs::record_deadlock`).
    RECORD_WAITERS = 525;
    /// One event counter (`fs::event_counter`).
    EVENT_COUNTER = 526;
    /// Files with pages that can be dropped (`fs::reclaim`).
    RECLAIMABLE = 528;
    /// Who maps pages of one file (`fs::mappers`).
    PAGE_MAPPERS = 530;
    /// One file's pages (`fs::page_cache`).
    PAGE_CACHE = 532;
    /// One inode's extended attributes (`fs::extended_attributes`).
    EXTENDED_ATTRIBUTES = 538;
    /// One inode's attributes (`fs::inode`).
    INODE_ATTRIBUTES = 540;
    /// Known pseudo-terminals of one file system (`fs::devpts`).
    DEVPTS = 522;
    /// Which terminal controls which session (`tty::control`).
    TERMINAL_CONTROL = 598;
    /// Who watches one inode (`fs::notify`).
    WATCHERS = 560;
    /// How many inotify watches each user has (`fs::inotify`).
    INOTIFY_USERS = 557;
    /// The list of inotify instances (`fs::inotify`).
    INOTIFY_INSTANCES = 558;
    /// What one inotify instance watches (`fs::inotify`).
    INOTIFY = 562;
    /// Events that wait in one inotify instance (`fs::inotify`).
    INOTIFY_QUEUE = 564;
    /// Pid table, process tree, process groups, sessions, wait states (`task::table`).
    TASK_TABLE = 600;
    /// One process: limits, itimers, command line (`task::process`).
    PROCESS = 610;
    /// A process's controlling terminal (`tty::control`).
    TERMINAL_TIE = 611;
    /// A process's reference to its interval timer (`timer::interval`).
    REAL_TIMER = 612;
    /// When an interval timer expires (`timer::interval`).
    REAL_TIMER_SCHEDULE = 613;
    /// The POSIX timers of a process (`timer::posix_table`).
    POSIX_TIMERS = 614;
    /// One POSIX timer (`timer::posix`).
    POSIX_TIMER = 615;
    /// The CPU-time timers of a process (`timer::cpu`).
    CPU_TIMERS = 616;
    /// One timer that is a file (`fs::timer_fd`).
    TIMER_FD = 617;
    /// Who wants to know that the wall clock was set (`timer::clock`).
    CLOCK_WATCHES = 618;
    /// One task's references to files, fs context, address space, credentials (`task::task`).
    TASK_RESOURCES = 620;
    /// How one task is scheduled (`task::task`).
    SCHEDULING = 622;
    /// Which signal actions a process uses (`signal::state`).
    SIGNAL_ACTIONS_REFERENCE = 630;
    /// The signal actions of a process (`signal::actions`).
    SIGNAL_ACTIONS = 640;
    /// What is pending for a process (`signal::state`).
    SIGNALS = 645;
    /// How many signals each user has queued (`signal::allowance`).
    SIGNAL_ALLOWANCES = 655;
    /// What one signal file watches (`fs::signal_fd`).
    SIGNAL_FD = 656;
    /// What is pending for a task, and its alternate stack (`signal::state`).
    TASK_SIGNALS = 650;
    /// What a task knows of being traced (`ptrace::state`).
    PTRACE = 656;
    /// The futex table (`task::futex`).
    FUTEX = 660;
    /// Where one futex waiter waits (`task::futex`).
    FUTEX_KEY = 662;
    /// One kind's objects of inter-process communication (`ipc::object`).
    IPC_OBJECTS = 670;
    /// Whose one of them is (`ipc::object`).
    IPC_PERMISSIONS = 672;
    /// What is in one of them (`ipc`).
    IPC_STATE = 674;
    /// The names of POSIX message queues (`ipc::posix_queue`).
    QUEUE_NAMES = 676;
    /// How much each user's POSIX message queues may hold (`ipc::posix_queue`).
    QUEUE_SHARES = 678;
    /// Host and domain name (`task::host`).
    HOST_NAMES = 690;
    /// Standard input that is not a terminal (`console::input`).
    CONSOLE_INPUT = 680;
    /// A terminal: settings, line being edited, foreground group (`tty`).
    TERMINAL = 684;
    /// Terminals whose masters were closed (`tty::control`).
    HANG_UPS = 686;
    /// Names of local sockets (`net::names`).
    SOCKET_NAMES = 692;
    /// One socket's queue, link and state (`net::socket`).
    SOCKET = 694;
    /// Sockets on their way (`net::unreachable`).
    SOCKETS_ON_THE_WAY = 695;
    /// Descriptions on their way that nobody will receive (`net::rights`).
    DISCARDED_RIGHTS = 696;
    /// Who listens to one file (`fs::listeners`).
    LISTENERS = 697;
    /// Whom one open file tells that it is ready (`signal::readiness`).
    READINESS_OWNER = 698;
    /// Counts of unknown system calls (`syscall::unknown`).
    UNKNOWN_CALLS = 700;

    // Spin locks taken by interrupt handlers too: 800 to 899.
    /// One epoll set's list of what became ready (`fs::epoll`).
    EPOLL_READY = 890;
    /// Changes of readiness that destructors left to be told (`fs::listeners`).
    CHANGES_LEFT = 885;
    /// Timers that have expired and are to be served (`timer::expiry`).
    TIMERS_DUE = 880;
    /// A console port's sending side: buffers and queue (`modules::virtio::port`).
    CONSOLE_PORT_OUT = 800;
    /// A console port's receiving side.
    CONSOLE_PORT_IN = 810;
    /// A simple device's queue (`modules::virtio::rng` and the console's control queues).
    DEVICE_QUEUE = 820;
}
