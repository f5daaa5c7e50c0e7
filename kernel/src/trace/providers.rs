//! The providers of Linux's events, each probe declared once.
use machine::addr::UserAddr;
use machine::provider;
use machine::thread::ThreadId;
use machine::trace::providers::Hex;

provider! {
    /// System calls. The pid is the Linux TID of the caller.
    pub mod syscall = 3, Stable;
    /// A program asks for a system call; the arguments as they stood in the registers.
    entry(number: u32, a0: Hex, a1: Hex, a2: Hex, a3: Hex, a4: Hex, a5: Hex);
    /// The call is done: its number, and its result or negative error number.
    r#return(number: u32, result: i64, tid: u32);
    /// A number the kernel does not know was answered with ENOSYS.
    unknown(number: u32, tid: u32);
}

provider! {
    /// Virtual memory.
    pub mod vminfo = 4, Evolving;
    /// A page fault begins, of a program or of a copy for it: address, 0 read, 1 write, 2 execute, whether a page was there.
    fault_entry(addr: UserAddr, kind: u32, is_present: bool);
    /// A page fault ends: whether the access can go on.
    fault_return(addr: UserAddr, is_resolved: bool);
    /// An anonymous page of zeros was given.
    anonymous(addr: UserAddr);
    /// Pages of a file were mapped, so many, the first from this page of the file.
    file(addr: UserAddr, index: u64, pages: u32);
    /// A shared page was copied for a write; it had so many owners.
    cow_copy(addr: UserAddr, owners: u32);
    /// A page was made writable in place: nobody else has it.
    cow_in_place(addr: UserAddr);
    /// A page of a file was read into the page cache.
    page_in(index: u64, bytes: u32);
    /// Memory was mapped.
    map(addr: UserAddr, bytes: u64);
    /// Memory was unmapped.
    unmap(addr: UserAddr, bytes: u64);
    /// The program's break moved.
    set_break(addr: UserAddr);
    /// No frame was free.
    out_of_memory(wanted: u32);
    /// A process was killed for want of memory.
    out_of_memory_kill(pid: u32);
    /// An address space was copied for fork, with so many pages present.
    fork(pages: u64);
}

provider! {
    /// Processes and threads of Linux.
    pub mod proc = 5, Stable;
    /// A task came to be: its TID, its process, the kernel's number of its thread (the `thread` of every record).
    create(tid: u32, pid: u32, parent: u32, thread: ThreadId);
    /// A program was started in a process.
    exec(tid: u32, entry: UserAddr);
    /// A task ended.
    exit(tid: u32, status: i32);
    /// A signal was sent to a process or task, by this thread (the kernel's number).
    signal_send(signal: u32, tid: u32, from: u32);
    /// A signal's handler is entered, or its default taken (handler 0).
    signal_handle(signal: u32, tid: u32, handler: UserAddr);
}
