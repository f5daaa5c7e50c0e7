//! How a task is scheduled: policy, nice value, real-time priority.
//!
//! Main type: [`Scheduling`], kept by each task as the calls on scheduling set and tell it; the machine's scheduler is told what follows
//! from it ([`Scheduling::schedule`]). Called by `task::task`, `syscall::schedule` and `/proc`.
use abi::linux::{SCHED_BATCH, SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL, SCHED_RR};
use machine::thread::Schedule;
use pure::ready_threads::IDLE_WEIGHT;
use pure::run_queue::weight_of_nice;

/// Policy and what belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduling {
    /// `SCHED_*`, one of those that [`Scheduling::is_known`].
    pub policy: u32,
    /// -20 to 19; kept, without effect, under a real-time policy.
    pub nice: i32,
    /// 1 to 99 under a real-time policy, 0 otherwise.
    pub priority: u8,
    /// Whether children begin as ordinary tasks.
    pub resets_on_fork: bool,
    /// The real-time priority lent by those who wait for a lock of the task, 0 for none. What is higher counts.
    pub lent: u8,
}

impl Scheduling {
    /// What the first program starts with.
    pub const INITIAL: Scheduling =
        Scheduling { policy: SCHED_NORMAL, nice: 0, priority: 0, resets_on_fork: false, lent: 0 };

    /// Whether there is such a policy here.
    pub fn is_known(policy: u32) -> bool {
        matches!(policy, SCHED_NORMAL | SCHED_FIFO | SCHED_RR | SCHED_BATCH | SCHED_IDLE)
    }

    /// Whether it goes by priority.
    pub fn is_real_time(&self) -> bool {
        matches!(self.policy, SCHED_FIFO | SCHED_RR)
    }

    /// The real-time priority that it runs with, 0 for none: its own or the one lent.
    pub fn priority_in_effect(&self) -> u8 {
        self.priority.max(self.lent)
    }

    /// What it means to the machine's scheduler.
    pub fn schedule(&self) -> Schedule {
        let may_preempt = self.policy == SCHED_NORMAL;
        match self.policy {
            _ if self.lent > self.priority => {
                Schedule::RealTime { priority: self.lent, is_round_robin: self.policy == SCHED_RR }
            }
            SCHED_FIFO | SCHED_RR => {
                Schedule::RealTime { priority: self.priority, is_round_robin: self.policy == SCHED_RR }
            }
            SCHED_IDLE => Schedule::Shared { weight: IDLE_WEIGHT, may_preempt },
            _ => Schedule::Shared { weight: weight_of_nice(self.nice), may_preempt },
        }
    }

    /// What a child starts with.
    pub fn for_child(&self) -> Scheduling {
        let own = Scheduling { lent: 0, ..*self };
        if !self.resets_on_fork {
            return own;
        }
        if self.is_real_time() {
            return Scheduling::INITIAL;
        }
        // LINUX: only what is more than ordinary is taken away.
        Scheduling { nice: self.nice.max(0), resets_on_fork: false, ..own }
    }

    /// As `/proc/PID/stat` shows it: 0 to 39 for nice values, -2 to -100 for real-time priorities.
    pub fn shown_priority(&self) -> i32 {
        match self.priority_in_effect() {
            0 => 20 + self.nice,
            priority => -1 - i32::from(priority),
        }
    }
}
