//! Where in a guest's memory the things lie that help after a failure: rings, counters, probes' names, switches, the log, threads and the
//! locks they hold. The kernel keeps them in a header of [`WORDS`] words that begins with [`MAGIC`]; a debugger finds it by its symbol, [`SYMBOL`], and `ochre dump` in an
//! image of the memory by its first words, of which the third is its own address.
//!
//! All words are of 64 bits, little endian, and addresses are the kernel's. What is reached through the direct map lies at physical address
//! plus [`Word::DirectMap`]; the kernel's own image lies together, so that the header's place tells the image's; the rest (stacks) is found
//! by the page tables.

/// First word.
pub const MAGIC: u64 = u64::from_le_bytes(*b"ochredmp");
/// Second word. A reader refuses another one.
pub const VERSION: u64 = 3;
/// The header's symbol.
pub const SYMBOL: &str = "ochre_layout";
/// Words of the header.
pub const WORDS: usize = 64;
/// Most probes whose names are told.
pub const PROBES: usize = 512;

/// What a word of the header is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Word {
    /// [`MAGIC`], written last.
    Magic,
    /// [`VERSION`].
    Version,
    /// The header's own address.
    Own,
    /// Kernel address of physical address zero.
    DirectMap,
    /// Physical address of the kernel's first page table.
    PageTable,
    /// Ticks of the raw clock in a second.
    TicksPerSecond,
    /// CPUs that are up.
    Cpus,
    /// For each CPU three words: address of the count of records written, address of the first slot, slots (0: no ring).
    Rings,
    /// Words of a slot: a sequence number, which is the record's index plus one, and the record (`wire::trace`).
    SlotWords,
    /// For each CPU the address of its block of counters.
    Counters,
    /// Counters in a block.
    CounterCount,
    /// For each counter two words: address and length of its name.
    CounterNames,
    /// For each probe seven words: number, address and length of the provider's name, address and length of its own, address and count of its
    /// arguments' descriptions.
    Probes,
    /// How many.
    ProbeCount,
    /// Address of the address of the first thread.
    Threads,
    /// In a thread: the address of the next.
    ThreadNext,
    /// In a thread: its number.
    ThreadNumber,
    /// In a thread: address and length of its name.
    ThreadName,
    /// In a thread: address and length of what it waits for, or waited for last.
    ThreadReason,
    /// In a thread: its last system call's number plus one.
    ThreadCall,
    /// In a thread: nanoseconds it has run.
    ThreadRun,
    /// In a thread: its stack pointer while it does not run.
    ThreadStack,
    /// From there: the frame pointer.
    SavedFrame,
    /// From there: where it goes on.
    SavedReturn,
    /// The table of the kernel's own functions (`crate::symbols`), of `SECTION_BYTES`; their offsets count from [`Word::Image`].
    Symbols,
    /// The image's first byte.
    Image,
    /// Bytes of an argument's description.
    ArgumentBytes,
    /// In it: address and length of the argument's name.
    ArgumentName,
    /// In it: the argument's kind (`crate::trace::ArgumentKind`), a byte.
    ArgumentKind,
    /// For each CPU the address of the address of the thread that runs there.
    Running,
    /// For each CPU two words: address of the count of its switches (32 bits), address of the last [`Word::SwitchCount`] of them. Switch n lies
    /// at n modulo that, four words: when, in ticks (0: none yet); the thread that left, and in the two highest bits whether it could have
    /// gone on (0), sleeps (1) or has ended (2); the thread that came; the last system call's number plus one of the one that left.
    Switches,
    /// Switches kept for each CPU.
    SwitchCount,
    /// Address of the log's last bytes: byte n of all that were ever written lies at n modulo [`Word::LogBytes`].
    Log,
    /// How many are kept.
    LogBytes,
    /// Address of the count of those ever written.
    LogEnd,
    /// In a thread: the lowest address of its stack.
    ThreadBase,
    /// From there: how many locks the thread, and handlers on top of it, hold or are about to take (32 bits).
    HeldCount,
    /// From there: those locks, oldest first.
    Held,
    /// Bytes of each.
    HeldBytes,
    /// How many find room.
    HeldMost,
    /// In one: the address of its class.
    HeldClass,
    /// In one: the lock's own address.
    HeldLock,
    /// In one: the address of the place in the source where it was taken.
    HeldSite,
    /// In a class: address and length of its name.
    ClassName,
    /// In a class: its rank (16 bits).
    ClassRank,
    /// How places in the source are laid out is the compiler's affair (`core::panic::Location`). This is the address of one, of 24 bytes, of
    /// which the next two words tell what is in it.
    Site,
    /// Address of the name of its file: where that stands in the place stands the name's address in every place, with its length behind it.
    SiteFile,
    /// Its line: 32 bits of the rest, the first that have this value.
    SiteLine,
}

const _: () = assert!((Word::SiteLine as usize) < WORDS);
