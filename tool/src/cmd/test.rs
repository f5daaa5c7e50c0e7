//! `ochre test`: every test of the project, on both architectures. CI runs this and nothing else.
//!
//! Suites run side by side, two at a time, each with at most one machine. The tally comes last, and below it what failed.

use super::test_part::{self, Part};
use crate::arch::Arch;
use crate::home::Home;
use crate::setup::kernel::{self, Build};
use crate::setup::{busybox, packages};
use crate::suite::guest::{self, OtherKernel, Place, Selection};
use crate::suite::host;
use crate::suite::programs::{self, Programs};
use crate::suite::report::{Report, Tally};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
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
    pub(super) cpus: Option<u32>,
    /// Only test programs and system tests whose name contains this; leaves out checks and unit tests
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Leave out long tests, and 1 and 4 processors
    #[arg(long)]
    quick: bool,
    /// With the part boots: how many in a row; with the part suite: machines for each architecture and number of processors
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) boots: u32,
    /// With the part fuzz: the first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// With the parts stress and fuzz: how many times the work of a usual run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) rounds: u32,
    /// Run the test programs alone, on this kernel (for x86_64, or for the --arch given), and print their wait statuses
    #[arg(long, value_name = "FILE", hide = true)]
    kernel: Option<PathBuf>,
    /// With --kernel: add words to its command line
    #[arg(long, value_name = "WORDS", hide = true, requires = "kernel")]
    append: Option<String>,
    /// With --kernel: only these programs, by name, in this order
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', hide = true, requires = "kernel")]
    programs: Vec<String>,
    /// With --kernel: seconds that a program may take
    #[arg(long, value_name = "SECONDS", hide = true, requires = "kernel")]
    limit: Option<u64>,
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
            kernel::ensure(home, arch, Build::Release)?;
        }
        built.push((arch, programs::build(home, arch, "user")?, programs::build(home, arch, "user/harness")?));
    }
    let all = Selection { filter, only: &[], limit: None };
    if let Some(kernel) = &arguments.kernel {
        let named = programs::build(home, built[0].0, "user/suite")?;
        return on_kernel(kernel, &built[0], &named, cpus[0], arguments);
    }
    if filter.is_none_or(|filter| filter.contains("languages")) && !arguments.quick {
        install_compilers(home, &arches);
    }
    let parts = test_part::build(home, &arches, filter)?;
    let system = host::build_system_tests(home)?;
    let system = &system;
    let mut jobs: VecDeque<Job<'_>> = VecDeque::new();
    if filter.is_none() {
        jobs.push_back(Box::new(|| host::checks(home)));
        jobs.push_back(Box::new(|| host::unit_tests(home)));
    }
    if let Some((_, programs, runner)) = built.iter().find(|(arch, ..)| *arch == Arch::host()) {
        jobs.push_back(Box::new(move || guest::run(Place::Host, programs, runner, all)));
    }
    jobs.extend(test_part::suite_jobs(&parts, &cpus, 1));
    jobs.extend(test_part::stress_jobs(&parts, &cpus, 1));
    let quick = arguments.quick;
    for &arch in &arches {
        jobs.push_back(Box::new(move || host::system_tests(home, system, arch, filter, quick)));
    }
    for (arch, programs, runner) in &built {
        let checked = move || {
            let file = kernel::ensure(home, *arch, Build::Checked)?;
            let kernel = Some(OtherKernel { file: &file, name: "the checked kernel for", words: None });
            guest::run(Place::Machine { arch: *arch, cpus: 2, kernel }, programs, runner, all)
        };
        if !quick {
            jobs.push_back(Box::new(checked));
        }
    }
    if filter.is_none() && !quick && arches.contains(&Arch::host()) {
        jobs.push_back(Box::new(|| host::defects(home)));
    }
    if filter.is_none() && !quick {
        jobs.extend(test_part::fuzz_jobs(home, &arches, arguments)?);
    }
    for &cpus in &cpus {
        for (arch, programs, runner) in &built {
            let place = Place::Machine { arch: *arch, cpus, kernel: None };
            jobs.push_back(Box::new(move || guest::run(place, programs, runner, all)));
            if filter.is_none() {
                jobs.push_back(Box::new(move || guest::trials(*arch, cpus)));
            }
        }
    }
    finish(jobs)
}

/// The test programs on a kernel of the developer's: what each ended with, a line "verdict NAME WAIT_STATUS", then as ever.
fn on_kernel(
    kernel: &Path,
    (arch, programs, runner): &(Arch, Programs, Programs),
    named: &Programs,
    cpus: u32,
    arguments: &TestArguments,
) -> anyhow::Result<u8> {
    let name = format!("{} for", kernel.display());
    let kernel = Some(OtherKernel { file: kernel, name: &name, words: arguments.append.as_deref() });
    let place = Place::Machine { arch: *arch, cpus, kernel };
    // Programs named one by one may be the suite's too.
    let is_named = |name: &&String| named.names.contains(*name);
    let (of_suite, others): (Vec<_>, Vec<_>) = arguments.programs.iter().partition(is_named);
    let (of_suite, others): (Vec<String>, Vec<String>) =
        (of_suite.into_iter().cloned().collect(), others.into_iter().cloned().collect());
    let selection = |only| Selection { filter: arguments.filter.as_deref(), only, limit: arguments.limit };
    let mut reports = Vec::new();
    if of_suite.is_empty() || !others.is_empty() {
        reports.push(guest::run(place, programs, runner, selection(&others))?);
    }
    if !of_suite.is_empty() {
        reports.push(guest::run(place, named, runner, selection(&of_suite))?);
    }
    for (name, status) in reports.iter().flat_map(|report| &report.verdicts) {
        println!("verdict {name} {}", status.as_deref().unwrap_or("none"));
    }
    let mut tally = Tally::default();
    for report in &reports {
        tally.add(report);
        report.show();
    }
    print!("{}", tally.text());
    Ok(u8::from(!tally.is_good()))
}

/// Installs the compilers of the languages that `tests/src/languages.rs` tries, as far as that is possible: a case without its
/// compiler is shown as one that waits.
fn install_compilers(home: &Home, arches: &[Arch]) {
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
    // C libraries that are only unpacked: one of another architecture, and one that wants to be the system's only one of its kind.
    let mut libraries = vec![(Arch::host(), "dietlibc-dev")];
    for arch in arches.iter().copied().filter(|arch| *arch != Arch::host()) {
        libraries.extend([(arch, "dietlibc-dev"), (arch, "musl-dev")]);
    }
    for (arch, package) in libraries {
        if let Err(error) = packages::fetch(home, arch, package) {
            eprintln!("ochre: {error:#}");
        }
    }
}

/// Runs the jobs and shows the tally.
pub(super) fn finish(jobs: VecDeque<Job<'_>>) -> anyhow::Result<u8> {
    let jobs = Mutex::new(jobs);
    let tally = Mutex::new(Tally::default());
    let poisoned = "a suite's thread panicked; the tool aborts on panics, so this cannot be reached";
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().expect(poisoned).pop_front() else { return };
                    let report = job().unwrap_or_else(|error| {
                        let mut report = Report::new("a suite");
                        report.fail_around(format!("it could not be run: {error:#}"));
                        report
                    });
                    let mut tally = tally.lock().expect(poisoned);
                    report.show();
                    tally.add(&report);
                }
            });
        }
    });
    let tally = tally.into_inner().expect(poisoned);
    print!("{}", tally.text());
    Ok(u8::from(!tally.is_good()))
}
