//! Signal numbers, their default actions, and sets of them.

/// A valid signal number, 1 to 64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Signal(u8);

/// What happens without a handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DefaultAction {
    /// The process ends (with a core dump where Linux makes one, which we never do: the limit is zero).
    Terminate,
    /// Nothing.
    Ignore,
    /// The process stops.
    Stop,
    /// A stopped process goes on.
    Continue,
}

macro_rules! signals {
    ($($name:ident = $number:literal;)*) => {
        #[allow(missing_docs, reason = "signal(7)")]
        impl Signal {
            $(pub const $name: Signal = Signal($number);)*

            /// The symbolic name; real-time signals have none.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}
signals! {
    SIGHUP = 1; SIGINT = 2; SIGQUIT = 3; SIGILL = 4; SIGTRAP = 5; SIGABRT = 6; SIGBUS = 7; SIGFPE = 8;
    SIGKILL = 9; SIGUSR1 = 10; SIGSEGV = 11; SIGUSR2 = 12; SIGPIPE = 13; SIGALRM = 14; SIGTERM = 15;
    SIGSTKFLT = 16; SIGCHLD = 17; SIGCONT = 18; SIGSTOP = 19; SIGTSTP = 20; SIGTTIN = 21; SIGTTOU = 22;
    SIGURG = 23; SIGXCPU = 24; SIGXFSZ = 25; SIGVTALRM = 26; SIGPROF = 27; SIGWINCH = 28; SIGIO = 29;
    SIGPWR = 30; SIGSYS = 31;
}

impl Signal {
    /// A number from a program, if it is a signal.
    pub const fn from_number(number: i32) -> Option<Signal> {
        // CAST: checked to fit.
        if number >= 1 && number <= 64 { Some(Signal(number as u8)) } else { None }
    }
    /// The number.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }
    /// Position in tables of 64.
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }
    /// The set of this one.
    pub const fn mask(self) -> SignalSet {
        SignalSet(1 << (self.0 - 1))
    }
    /// Whether several of it may be pending.
    pub const fn is_real_time(self) -> bool {
        self.0 >= 32
    }
    /// What happens without a handler.
    pub const fn default_action(self) -> DefaultAction {
        match self {
            Signal::SIGCHLD | Signal::SIGURG | Signal::SIGWINCH => DefaultAction::Ignore,
            Signal::SIGCONT => DefaultAction::Continue,
            Signal::SIGSTOP | Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU => DefaultAction::Stop,
            _ => DefaultAction::Terminate,
        }
    }
}

/// A set of signals: bit n-1 for signal n, as programs write it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SignalSet(pub u64);

impl SignalSet {
    /// None.
    pub const EMPTY: SignalSet = SignalSet(0);
    /// All.
    pub const ALL: SignalSet = SignalSet(u64::MAX);
    /// Those that can be neither blocked nor handled.
    pub const UNBLOCKABLE: SignalSet = Signal::SIGKILL.mask().union(Signal::SIGSTOP.mask());
    /// Those whose default action is to stop.
    pub const STOPPING: SignalSet = Signal::SIGSTOP
        .mask()
        .union(Signal::SIGTSTP.mask())
        .union(Signal::SIGTTIN.mask())
        .union(Signal::SIGTTOU.mask());
    /// Those that a fault of the program causes; delivered first.
    pub const SYNCHRONOUS: SignalSet = Signal::SIGSEGV
        .mask()
        .union(Signal::SIGBUS.mask())
        .union(Signal::SIGILL.mask())
        .union(Signal::SIGTRAP.mask())
        .union(Signal::SIGFPE.mask())
        .union(Signal::SIGSYS.mask());

    /// Both together.
    pub const fn union(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }
    /// What is in both.
    pub const fn intersection(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & other.0)
    }
    /// Without those of `other`.
    pub const fn without(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 & !other.0)
    }
    /// Whether `signal` is in it.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & signal.mask().0 != 0
    }
    /// Whether it has none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// The lowest.
    pub const fn first(self) -> Option<Signal> {
        // CAST: at most 64.
        if self.0 == 0 { None } else { Some(Signal(self.0.trailing_zeros() as u8 + 1)) }
    }
}
