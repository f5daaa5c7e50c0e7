//! The parts of `ochre test` that can be run by themselves: the suite of named programs, the stress programs, Debian's programs.

use super::test::{Job, TestArguments, finish};
use crate::arch::Arch;
use crate::home::Home;
use crate::setup::kernel::{self, Build};
use crate::setup::{busybox, packages};
use crate::suite::debian;
use crate::suite::fuzz::{self, Plan};
use crate::suite::guest::{OtherKernel, Place};
use crate::suite::host;
use crate::suite::named::{self, Suite};
use crate::suite::programs::{self, Programs};
use std::collections::VecDeque;

/// A part of the tests that can be run by itself.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The suite of 120 named programs: on the host's Linux, then in machines; each as many times as --boots says
    Suite,
    /// Boots alone, so many in a row on each architecture as --boots says, with 1, 2 and 4 processors in turn
    Boots,
    /// The system call fuzzer, on the usual and on the checked kernel; longer by --rounds, otherwise by --seed
    Fuzz,
    /// The stress programs, longer by --rounds
    Stress,
    /// Debian's programs at real work, from roots made by mmdebstrap; not part of the whole
    Debian,
}

/// What the parts need, built for one architecture.
pub(super) struct Built {
    arch: Arch,
    suite: Suite,
    stress: Programs,
    runner: Programs,
}

/// Builds it for each of `arches`, and leaves only programs whose name contains `filter`.
pub(super) fn build(home: &Home, arches: &[Arch], filter: Option<&str>) -> anyhow::Result<Vec<Built>> {
    arches
        .iter()
        .map(|&arch| {
            let mut stress = programs::build(home, arch, "user/stress")?;
            stress.names.retain(|name| filter.is_none_or(|filter| name.contains(filter)));
            Ok(Built {
                arch,
                suite: named::build(home, arch)?.narrow(filter),
                stress,
                runner: programs::build(home, arch, "user/harness")?,
            })
        })
        .collect()
}

/// Runs one part; answers the exit status.
pub(super) fn test(
    home: &Home,
    part: Part,
    arguments: &TestArguments,
    arches: &[Arch],
    cpus: &[u32],
) -> anyhow::Result<u8> {
    for &arch in arches {
        packages::ensure_program(arch.qemu(), arch.qemu_package())?;
        busybox::ensure(home, arch)?;
        kernel::ensure(home, arch, Build::Release)?;
    }
    if part == Part::Debian {
        let filter = arguments.filter.as_deref();
        let jobs = arches.iter().map(|&arch| -> Job<'_> { Box::new(move || debian::run(home, arch, filter)) });
        return finish(jobs.collect());
    }
    if part == Part::Boots {
        let system = &host::build_system_tests(home)?;
        let boots = arguments.boots;
        let jobs = arches.iter().map(|&arch| -> Job<'_> { Box::new(move || host::boots(home, system, arch, boots)) });
        return finish(jobs.collect());
    }
    if part == Part::Fuzz {
        return finish(fuzz_jobs(home, arches, arguments)?);
    }
    let built = build(home, arches, arguments.filter.as_deref())?;
    finish(match part {
        Part::Suite => suite_jobs(&built, cpus, arguments.boots),
        _ => stress_jobs(&built, cpus, arguments.rounds),
    })
}

/// The fuzzer: on the checked kernel, and by itself on the usual one too.
pub(super) fn fuzz_jobs<'a>(
    home: &'a Home,
    arches: &[Arch],
    arguments: &TestArguments,
) -> anyhow::Result<VecDeque<Job<'a>>> {
    let mut jobs: VecDeque<Job<'a>> = VecDeque::new();
    for &arch in arches {
        let rounds = fuzz::ROUNDS * arguments.rounds;
        let plan = Plan { arch, cpus: arguments.cpus.unwrap_or(2), seed: arguments.seed, rounds };
        let programs = programs::build(home, arch, "user/fuzz")?;
        if arguments.part.is_some() {
            let programs = programs.clone();
            jobs.push_back(Box::new(move || fuzz::run(plan, None, &programs)));
        }
        jobs.push_back(Box::new(move || {
            let file = kernel::ensure(home, arch, Build::Checked)?;
            fuzz::run(plan, Some(OtherKernel { file: &file, name: "the checked kernel for", words: None }), &programs)
        }));
    }
    Ok(jobs)
}

/// The suite: on the host's Linux first, then in `boots` machines of each kind.
pub(super) fn suite_jobs<'a>(built: &'a [Built], cpus: &[u32], boots: u32) -> VecDeque<Job<'a>> {
    let mut jobs: VecDeque<Job<'a>> = VecDeque::new();
    if !built.iter().any(|built| built.suite.has_any()) {
        return jobs;
    }
    if let Some(Built { suite, runner, .. }) = built.iter().find(|built| built.arch == Arch::host()) {
        jobs.push_back(Box::new(move || named::run(Place::Host, suite, runner, 1)));
    }
    for boot in 1..=boots {
        for &cpus in cpus {
            for Built { arch, suite, runner, .. } in built {
                let place = Place::Machine { arch: *arch, cpus, kernel: None };
                jobs.push_back(Box::new(move || named::run(place, suite, runner, boot)));
            }
        }
    }
    jobs
}

/// The stress programs, with `rounds` times the usual work.
pub(super) fn stress_jobs<'a>(built: &'a [Built], cpus: &[u32], rounds: u32) -> VecDeque<Job<'a>> {
    let mut jobs: VecDeque<Job<'a>> = VecDeque::new();
    if built.iter().all(|built| built.stress.names.is_empty()) {
        return jobs;
    }
    if let Some(Built { stress, runner, .. }) = built.iter().find(|built| built.arch == Arch::host()) {
        jobs.push_back(Box::new(move || named::stress(Place::Host, stress, runner, rounds)));
    }
    for &cpus in cpus {
        for Built { arch, stress, runner, .. } in built {
            let place = Place::Machine { arch: *arch, cpus, kernel: None };
            jobs.push_back(Box::new(move || named::stress(place, stress, runner, rounds)));
        }
    }
    jobs
}
