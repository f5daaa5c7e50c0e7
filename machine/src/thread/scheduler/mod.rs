//! Which thread runs where and when: parking and waking, preemption, the switch itself.
//!
//! Each CPU has a queue of runnable threads (policy in `pure::ready_threads`) under a leaf lock that also protects the state of the
//! threads at home there. The lock is held across the switch and given back by the thread switched to: whoever finds a thread
//! parked under that lock can rely on its registers being saved.
//!
//! | file | idea |
//! |---|---|
//! | `queue` | what each CPU keeps, and the lock that protects its threads' state |
//! | `wake` | making threads runnable, and where |
//! | `switch` | parking, preemption, the switch, the ends of threads |
//! | `idle` | the tick, the idle thread, work taken from others |
//! | `deadline` | waits that end by time |
//!
//! A thread parks itself ([`park`]) unless its token is set; [`unpark`] sets the token and makes a parked thread runnable. The token is
//! cleared when the thread returns from parking, before it looks at its condition again, so no wake-up is lost.
//!
//! Locks: a run queue's; never two at once. Callers may hold leaf locks that are never taken under a run queue's.
mod deadline;
mod idle;
mod queue;
mod switch;
mod wake;

pub(crate) use deadline::Deadline;
pub(crate) use idle::{idle, tick};
pub(crate) use queue::Scheduler;
pub(super) use queue::{try_with_home, with_home, with_total};
pub(super) use switch::{after_interrupt, begin, end, yield_now};
pub(crate) use switch::{drop_ended, has_ended, mark_running, park, preempt_if_possible, reschedule_if_needed};
pub(crate) use wake::unpark;
pub(super) use wake::{apply_affinity, apply_schedule, start, wake_for_notification};
