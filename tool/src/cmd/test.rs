//! `ochre test`: every test of the project, on both architectures. CI runs this and nothing else.
//!
//! Suites run side by side, two at a time, each with at most one machine. The last line is the tally.

use super::test_part::{self, Part};
use crate::arch::Arch;
use crate::home::Home;
use crate::setup::{busybox, kernel, packages};
use crate::suite::guest::{self, Place};
use crate::suite::host;
use crate::suite::programs::{self, Programs};
use crate::suite::report::Report;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;

/// `ochre test`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct TestArguments {
    /// Only this part
    #[arg(value_enum)]
    pub(super) part: Option<Part>,
    /// One guest architecture only
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// One number of processors only [default: 1, 2 and 4]
    #[arg(long, value_name = "N")]
    cpus: Option<u32>,
    /// Only test programs and system tests whose name contains this; leaves out checks and unit tests
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Leave out long tests, and 1 and 4 processors
    #[arg(long)]
    quick: bool,
    /// With the part suite: machines to boot for each architecture and number of processors
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) boots: u32,
    /// With the part stress: how many times the work of a usual run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) rounds: u32,
    /// Test this kernel (for x86_64, or for the --arch given) in place of the checkout's; only its test programs are run
    #[arg(long, value_name = "FILE", hide = true)]
    kernel: Option<PathBuf>,
}

/// How many suites run at once.
const WORKERS: usize = 2;

pub(super) type Job<'a> = Box<dyn FnOnce() -> anyhow::Result<Report> + Send + 'a>;

/// Runs the tests; answers the exit status.
pub(crate) fn test(home: &Home, arguments: &TestArguments) -> anyhow::Result<u8> {
    let arches: Vec<Arch> =
        Arch::ALL.into_iter().filter(|arch| arguments.arch.is_none_or(|only| only == *arch)).collect();
    let cpus: Vec<u32> = match arguments.cpus {
        Some(cpus) => vec![cpus],
        None if arguments.quick => vec![2],
        None => vec![1, 2, 4],
    };
    let filter = arguments.filter.as_deref();
    if let Some(part) = arguments.part {
        return test_part::test(home, part, arguments, &arches, &cpus);
    }
    // The system tests compare with the host's Linux.
    busybox::ensure(home, Arch::host())?;
    let mut built: Vec<(Arch, Programs, Programs)> = Vec::new();
    for &arch in &arches {
        packages::ensure_program(arch.qemu(), arch.qemu_package())?;
        busybox::ensure(home, arch)?;
        if arguments.kernel.is_none() {
            kernel::ensure(home, arch)?;
        }
        built.push((arch, programs::build(home, arch, "user")?, programs::build(home, arch, "user/harness")?));
    }
    if filter.is_none() && !arguments.quick {
        install_compilers(&arches);
    }
    let parts = test_part::build(home, &arches, filter)?;
    let system = host::build_system_tests(home)?;
    let on_host = built.iter().find(|(arch, ..)| *arch == Arch::host());
    let mut jobs: VecDeque<Job<'_>> = VecDeque::new();
    if let Some(kernel) = &arguments.kernel {
        let (arch, programs, runner) = &built[0];
        for cpus in cpus {
            let place = Place::Machine { arch: *arch, cpus, kernel: Some(kernel) };
            jobs.push_back(Box::new(move || guest::run(place, programs, runner, filter)));
        }
        return finish(jobs);
    }
    if filter.is_none() {
        jobs.push_back(Box::new(|| host::checks(home)));
        jobs.push_back(Box::new(|| host::unit_tests(home)));
    }
    if let Some((_, programs, runner)) = on_host {
        jobs.push_back(Box::new(move || guest::run(Place::Host, programs, runner, filter)));
    }
    jobs.extend(test_part::suite_jobs(&parts, &cpus, 1));
    jobs.extend(test_part::stress_jobs(&parts, &cpus, 1));
    let (system, quick) = (&system, arguments.quick);
    for &arch in &arches {
        jobs.push_back(Box::new(move || host::system_tests(home, system, arch, filter, quick)));
    }
    for &cpus in &cpus {
        for (arch, programs, runner) in &built {
            let place = Place::Machine { arch: *arch, cpus, kernel: None };
            jobs.push_back(Box::new(move || guest::run(place, programs, runner, filter)));
            if filter.is_none() {
                jobs.push_back(Box::new(move || guest::trials(*arch, cpus)));
            }
        }
    }
    finish(jobs)
}

/// Installs the compilers of the languages that `tests/src/languages.rs` tries, as far as that is possible: a case without its
/// compiler is shown as one that waits.
fn install_compilers(arches: &[Arch]) {
    let mut wanted = vec![("go".to_string(), "golang-go".to_string()), ("musl-gcc".into(), "musl-tools".into())];
    for arch in arches {
        for language in ["g++", "gfortran"] {
            wanted.push(if *arch == Arch::host() {
                (language.to_string(), language.to_string())
            } else {
                let name = arch.name();
                (format!("{name}-linux-gnu-{language}"), format!("{language}-{}-linux-gnu", name.replace('_', "-")))
            });
        }
    }
    for (program, package) in wanted {
        if let Err(error) = packages::ensure_program(&program, &package) {
            eprintln!("ochre: {error:#}");
        }
    }
}

/// Runs the jobs and shows the tally.
pub(super) fn finish(jobs: VecDeque<Job<'_>>) -> anyhow::Result<u8> {
    let jobs = Mutex::new(jobs);
    let totals = Mutex::new((0, 0));
    let poisoned = "a suite's thread panicked; the tool aborts on panics, so this cannot be reached";
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().expect(poisoned).pop_front() else { return };
                    let report = job().unwrap_or_else(|error| {
                        let mut report = Report::new("a suite");
                        report.fail(format!("it could not be run: {error:#}"));
                        report
                    });
                    let mut totals = totals.lock().expect(poisoned);
                    report.show();
                    totals.0 += report.passed;
                    totals.1 += report.failures.len();
                }
            });
        }
    });
    let (passed, failed) = totals.into_inner().expect(poisoned);
    println!("{passed} passed, {failed} failed");
    Ok(u8::from(failed > 0 || passed == 0))
}
