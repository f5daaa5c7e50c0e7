//! Pseudo-terminals: a terminal whose other side, the master, is a file that another program holds.
//!
//! [`open_master`] makes one, with a node of its own in a file system of kind `devpts` ([`crate::fs::devpts`]); the terminal
//! itself is a [`Terminal`] like any other. When the master is closed the node goes and the terminal is hung up.
use super::control::Unfinished;
use super::file::{buffer, current_process, write_pieces};
use super::ioctl::{flush, of_line};
use super::job_control::signal_group;
use super::terminal::{Backend, Terminal};
use crate::errno::{Errno, Result};
use crate::fs::devpts::DevPts;
use crate::fs::listeners::Listeners;
use crate::fs::open::describe;
use crate::fs::{DeviceNumber, File, OpenFile, Path, PollEvents, Sink, Source};
use crate::signal::readiness::{Change, Whom};
use crate::task::Task;
use crate::task::limits::Resource;
use crate::user_memory::UserPtr;
use abi::linux::{O_ACCMODE, O_CLOEXEC, O_NOCTTY, O_NONBLOCK};
use abi::{Winsize, ioctl};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use machine::addr::UserAddr;
use machine::sync::{Wait, WaitQueue};
use machine::thread::CurrentThread;
use pure::line_discipline::{CAPACITY, Settings};

/// Major number of the slaves.
const MAJOR: u32 = 136;
/// Bytes that may wait in front of a terminal whose line discipline is full.
// LINUX: the limit of a pseudo-terminal's buffer.
const PENDING_BYTES: usize = 8192;

/// The master as a terminal's other side: it comes and takes what there is.
struct MasterSide;

impl Backend for MasterSide {
    fn show(&self, cx: &mut CurrentThread, terminal: &Terminal) {
        terminal.shown.wake_all();
        if !terminal.master_listeners.is_empty() && terminal.state.lock(cx).discipline.output_bytes() != 0 {
            terminal.master_listeners.tell(cx, Change::Input);
        }
    }
    fn pending_capacity(&self) -> usize {
        PENDING_BYTES
    }
    fn is_pseudo(&self) -> bool {
        true
    }
}

/// The terminal of a new pair, locked.
pub(crate) fn new_terminal(number: u32) -> Arc<Terminal> {
    let window = Winsize { rows: 0, columns: 0, x_pixels: 0, y_pixels: 0 };
    let device = DeviceNumber::new(MAJOR, number);
    // What the master's own buffer holds is out of a flush's reach.
    let terminal = Terminal::new(Box::new(MasterSide), device, Settings::pty(), CAPACITY - 1, window);
    terminal.state.with(|state| state.is_locked = true);
    terminal
}

/// Makes a pseudo-terminal in the file system whose root is at `root`; answers its master.
pub(crate) fn open_master(cx: &CurrentThread, file_system: &Arc<DevPts>, root: Path) -> Result<Arc<dyn File>> {
    let (number, terminal) = file_system.add(cx)?;
    let unfinished = Some(Unfinished::new(terminal.clone()));
    Ok(Arc::new(MasterFile { terminal, number, file_system: file_system.clone(), root, unfinished }))
}

/// An open master.
pub struct MasterFile {
    terminal: Arc<Terminal>,
    number: u32,
    file_system: Arc<DevPts>,
    /// Where the file system is mounted, for opening the slave from here.
    root: Path,
    unfinished: Option<Box<Unfinished>>,
}

impl Drop for MasterFile {
    fn drop(&mut self) {
        self.terminal.state.with(|state| {
            state.is_master_closed = true;
            state.generation = state.generation.wrapping_add(1);
            state.pending.clear();
        });
        self.file_system.remove(self.number);
        self.terminal.wake_everybody();
        if let Some(unfinished) = self.unfinished.take() {
            unfinished.leave();
        }
    }
}

impl MasterFile {
    /// What the slave's side has shown, or in packet mode what has changed there; `None` if there is nothing yet.
    fn look(&self, cx: &CurrentThread, out: &mut [u8]) -> Option<Result<usize>> {
        let mut state = self.terminal.state.lock(cx);
        let status = state.discipline.take_packet_status();
        if status != 0 {
            out[0] = status;
            return Some(Ok(1));
        }
        if state.discipline.output_bytes() == 0 {
            return state.is_abandoned.then_some(Err(Errno::EIO));
        }
        if !state.discipline.is_in_packet_mode() {
            return Some(Ok(state.discipline.take_output(out)));
        }
        // TIOCPKT_DATA
        out[0] = 0;
        Some(Ok(1 + state.discipline.take_output(&mut out[1..])))
    }

    /// TIOCGPTPEER: opens the slave, whatever its name leads to here.
    fn open_peer(&self, cx: &mut CurrentThread, flags: u32) -> Result<u64> {
        if flags & !(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let task = Task::current(cx).ok_or(Errno::EIO)?;
        let path = self.file_system.place_of(&self.root, self.number).ok_or(Errno::EIO)?;
        let open = describe(cx, path, flags & !O_CLOEXEC)?;
        let limit = task.process().limit(Resource::OpenFiles);
        let fd = task.files(cx).insert(cx, open, flags & O_CLOEXEC != 0, limit)?;
        // CAST: descriptors are not negative.
        Ok(fd.0 as u64)
    }

    fn set_packet_mode(&self, cx: &mut CurrentThread, argument: UserAddr) -> Result<()> {
        let is_on = UserPtr::<i32>::new(argument).read(cx)? != 0;
        self.terminal.state.lock(cx).discipline.set_packet_mode(is_on);
        Ok(())
    }

    /// TCFLSH: what comes in here is what the slave shows, what goes out is what is typed there.
    fn flush(&self, cx: &mut CurrentThread, which: usize) -> Result<()> {
        if !matches!(which, flush::TCIFLUSH | flush::TCOFLUSH | flush::TCIOFLUSH) {
            return Err(Errno::EINVAL);
        }
        {
            let mut state = self.terminal.state.lock(cx);
            if which != flush::TCOFLUSH {
                state.discipline.drop_output();
            }
            if which != flush::TCIFLUSH {
                state.pending.clear();
                state.looked_ahead = 0;
            }
        }
        self.terminal.wake_everybody();
        Ok(())
    }
}

impl File for MasterFile {
    fn is_stream(&self) -> bool {
        true
    }
    fn read(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let mut copy = buffer(to.left())?;
        if copy.is_empty() {
            return Ok(());
        }
        let count = match self.look(cx, &mut copy) {
            Some(found) => found?,
            None if open.is_non_blocking() => return Err(Errno::EAGAIN),
            None => {
                let how = Wait::interruptible("a terminal's output");
                self.terminal.shown.wait(cx, how, |cx| self.look(cx, &mut copy))??
            }
        };
        self.terminal.wake_writers();
        if self.terminal.lacked_room.swap(false, Ordering::AcqRel) {
            self.terminal.listeners.tell(cx, Change::Output);
        }
        to.put(cx, &copy[..count])
    }
    fn write(&self, cx: &mut CurrentThread, open: &OpenFile, _offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        let is_non_blocking = open.is_non_blocking();
        write_pieces(cx, from, |cx, piece| {
            let type_in = |cx: &mut CurrentThread| match self.terminal.type_in(cx, piece) {
                0 => None,
                count => Some(count),
            };
            match type_in(cx) {
                Some(count) => Ok(count),
                None if is_non_blocking => {
                    self.terminal.master_lacked_room.store(true, Ordering::Release);
                    // Who made room before that was known has told nobody of it.
                    type_in(cx).ok_or(Errno::EAGAIN)
                }
                None => Ok(self.terminal.typable.wait(cx, Wait::interruptible("room to type"), type_in)?),
            }
        })
    }
    fn poll(&self, cx: &mut CurrentThread, _open: &OpenFile) -> PollEvents {
        let state = self.terminal.state.lock(cx);
        let has_status = state.discipline.has_packet_status();
        PollEvents::NONE
            .and_if(has_status || state.discipline.output_bytes() != 0, PollEvents::IN)
            .and_if(has_status, PollEvents::PRIORITY)
            .and_if(state.is_abandoned, PollEvents::HANG_UP)
            .and_if(state.pending.len() < PENDING_BYTES, PollEvents::OUT)
    }
    fn wait_queues(&self) -> [Option<&WaitQueue>; 2] {
        [Some(&self.terminal.shown), Some(&self.terminal.typable)]
    }
    fn listeners(&self, _open: &OpenFile) -> [Option<&Listeners>; 2] {
        [Some(&self.terminal.master_listeners), None]
    }
    fn default_owner(&self, cx: &CurrentThread) -> Option<Whom> {
        // LINUX: the master is no session's terminal.
        current_process(cx)
    }
    fn ioctl(&self, cx: &mut CurrentThread, open: &OpenFile, request: u32, argument: UserAddr) -> Result<u64> {
        let terminal = &self.terminal;
        match request {
            ioctl::TIOCGPTN => UserPtr::<u32>::new(argument).write(cx, &self.number)?,
            ioctl::TIOCSPTLCK => {
                let is_locked = UserPtr::<i32>::new(argument).read(cx)? != 0;
                terminal.state.lock(cx).is_locked = is_locked;
            }
            ioctl::TIOCGPTLCK => {
                let is_locked = terminal.state.lock(cx).is_locked;
                UserPtr::<u32>::new(argument).write(cx, &u32::from(is_locked))?;
            }
            // CAST: flags have 32 bits.
            ioctl::TIOCGPTPEER => return self.open_peer(cx, argument.0 as u32),
            ioctl::TIOCPKT => self.set_packet_mode(cx, argument)?,
            ioctl::TIOCGPKT => {
                let is_on = terminal.state.lock(cx).discipline.is_in_packet_mode();
                UserPtr::<u32>::new(argument).write(cx, &u32::from(is_on))?;
            }
            ioctl::TIOCSIG => match u32::try_from(argument.0) {
                Ok(signal @ (abi::linux::SIGINT | abi::linux::SIGQUIT | abi::linux::SIGTSTP)) => {
                    signal_group(cx, terminal.foreground(cx), signal);
                }
                _ => return Err(Errno::EINVAL),
            },
            ioctl::FIONREAD => {
                let bytes = terminal.state.lock(cx).discipline.output_bytes();
                // CAST: at most the capacity of the output.
                UserPtr::<u32>::new(argument).write(cx, &(bytes as u32))?;
            }
            ioctl::TIOCOUTQ => UserPtr::<u32>::new(argument).write(cx, &0)?,
            ioctl::TCFLSH => self.flush(cx, argument.0)?,
            ioctl::TCSBRK | ioctl::TCSBRKP | ioctl::TIOCSBRK | ioctl::TIOCCBRK => {}
            _ => return of_line(cx, terminal, open, true, request, argument),
        }
        Ok(0)
    }
    fn seek_end(&self, _cx: &mut CurrentThread, _open: &OpenFile) -> Result<u64> {
        Err(Errno::ESPIPE)
    }
}
