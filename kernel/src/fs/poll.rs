//! Waiting for one of several files to become ready: the engine of poll and select.
//!
//! Main item: [`wait_any`]. The caller's thread is queued at every file before readiness is looked at, so that no change
//! between looking and sleeping is lost; it is taken off every queue before the call returns.
use super::file::PollEvents;
use super::open_file::OpenFile;
use crate::errno::Result;
use alloc::sync::Arc;
use machine::sync::{Wait, WaitError, Waiter, Wake};
use machine::thread::CurrentThread;
use machine::time::Instant;

/// A file and what is wanted of it; errors and hang-ups are always told.
pub struct Watched {
    /// The file.
    pub file: Arc<OpenFile>,
    /// Wanted.
    pub wanted: PollEvents,
    /// Found.
    pub found: PollEvents,
}

impl Watched {
    fn look(&mut self, cx: &mut CurrentThread) -> bool {
        let told = self.wanted.and(PollEvents::ERROR).and(PollEvents::HANG_UP);
        self.found = PollEvents(self.file.poll(cx).0 & told.0);
        self.found != PollEvents::NONE
    }
}

fn look_at_all(cx: &mut CurrentThread, files: &mut [Watched]) -> usize {
    files.iter_mut().map(|watched| watched.look(cx)).filter(|&is_ready| is_ready).count()
}

/// Sleeps until at least one of `files` is ready or `deadline` has passed; answers how many are ready. No deadline is for
/// ever; one that has passed means only looking: at the files, then for a signal.
pub fn wait_any(
    cx: &mut CurrentThread,
    files: &mut [Watched],
    deadline: Option<Instant>,
) -> Result<core::result::Result<usize, WaitError>> {
    let ready = look_at_all(cx, files);
    if ready > 0 {
        return Ok(Ok(ready));
    }
    if deadline.is_some_and(|deadline| deadline <= machine::time::now()) {
        // LINUX: a signal that the mask of ppoll or pselect lets in is taken even if there is no time to wait.
        return Ok(if cx.is_notified() { Err(WaitError::Interrupted) } else { Ok(0) });
    }
    let waiter = Waiter::new(cx);
    let wake: Arc<dyn Wake> = waiter.clone();
    for watched in files.iter() {
        for queue in watched.file.file().wait_queues().into_iter().flatten() {
            queue.add(wake.clone());
        }
    }
    let how = Wait::interruptible("poll").until(deadline);
    let outcome = loop {
        let ready = look_at_all(cx, files);
        if ready > 0 {
            break Ok(ready);
        }
        match waiter.wait(cx, how) {
            Ok(()) => {}
            Err(WaitError::TimedOut) => break Ok(look_at_all(cx, files)),
            Err(error) => break Err(error),
        }
    };
    for watched in files.iter() {
        for queue in watched.file.file().wait_queues().into_iter().flatten() {
            queue.remove(&wake);
        }
    }
    Ok(outcome)
}
