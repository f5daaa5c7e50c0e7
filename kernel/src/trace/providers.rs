//! The providers of Linux's events, each probe declared once.
use machine::addr::UserAddr;
use machine::provider;
use machine::thread::ThreadId;
use machine::trace::providers::Hex;

provider! {
    /// System calls. The pid is the Linux TID of the caller.
    pub mod syscall = 3, Stable;
    /// A program asks for a system call; the arguments as they stood in the registers.
    entry(number: u64, a0: Hex, a1: Hex, a2: Hex, a3: Hex, a4: Hex, a5: Hex);
    /// The call is done: its number, and its result or negative error number.
    r#return(number: u64, result: i64, tid: u32);
    /// A number the kernel does not know was answered with ENOSYS.
    unknown(number: u32, tid: u32);
}

provider! {
    /// The page cache: contents of regular files, told by the cache's address and the inode's number. No store takes pages back yet.
    pub mod io = 8, Evolving;
    /// A program read so many bytes of a file, from this offset on.
    read(cache: Hex, inode: u64, offset: u64, bytes: u64);
    /// A program wrote so many bytes to a file, from this offset on.
    write(cache: Hex, inode: u64, offset: u64, bytes: u64);
    /// A page of a file was filled from its store: which page, and how many bytes came from there.
    fill(cache: Hex, index: u64, bytes: u32);
    /// A page came into the cache: which page, and whether it is made to be written.
    add(cache: Hex, index: u64, is_to_write: bool);
    /// A page that its store can give again was dropped for want of memory.
    reclaim(cache: Hex, index: u64);
    /// A file's length was set to so many bytes, which drops what lies behind.
    truncate(cache: Hex, bytes: u64);
}

provider! {
    /// Sockets, which are all local ones, told by the kernel's address of them.
    pub mod net = 9, Evolving;
    /// A socket waits for connections from now on, of which so many may wait.
    listen(socket: Hex, backlog: u64);
    /// A socket was connected to this one, which for a stream is the server's end that `accept` gives out later.
    connect(socket: Hex, peer: Hex);
    /// A listening socket gave out the server's end of a connection.
    accept(listener: Hex, socket: Hex);
    /// A message, or a part of a stream, was put into the queue of `peer`.
    send(socket: Hex, peer: Hex, bytes: u64);
    /// So many bytes were taken out of the socket's queue; for a message that was cut, what was left of it.
    receive(socket: Hex, bytes: u64);
    /// One direction or both were ended: 0 receiving, 1 sending, 2 both.
    shutdown(socket: Hex, how: u32);
    /// The last descriptor of a socket was closed.
    close(socket: Hex);
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
    /// A program could not be started: the error's number.
    exec_failure(tid: u32, error: u32);
    /// The program made a fault that becomes this signal, with this code (`SEGV_*`, `ILL_*` and so on) and address, as `siginfo_t` tells them.
    fault(tid: u32, signal: u32, code: i32, addr: UserAddr);
    /// A signal was sent to a process or task, by this thread (the kernel's number).
    signal_send(signal: u32, tid: u32, from: u32);
    /// A signal had no effect, since it is ignored.
    signal_discard(signal: u32, tid: u32);
    /// A signal's handler is entered, or its default taken (handler 0).
    signal_handle(signal: u32, tid: u32, handler: UserAddr);
}
