//! `ochre bench`: figures of our kernel and of Debian's Linux, as it comes and tuned, in the same machine. Runs of the kernels take
//! turns, so that a busy host disturbs all alike; counted instructions do not depend on it at all.

use crate::arch::Arch;
use crate::bench::figures::Figures;
use crate::bench::machine::{self, END, Line, Setting};
use crate::bench::root::FIRST;
use crate::bench::{linux, root};
use crate::home::Home;
use crate::setup::kernel::{self, Build};
use crate::setup::packages;
use crate::status::{self, failure};
use crate::suite::programs::{self, Programs};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// Start to the first program's first output: seconds, and instructions.
    Boot,
    /// fork, exec of programs of several sizes, posix_spawn.
    Exec,
    /// Switches between processes.
    Switch,
    /// Null and unknown system call, clocks, signals.
    Syscall,
    /// File calls on the root in memory.
    File,
    /// Round trips and throughput of pipes.
    Pipe,
    /// Mapping and page faults.
    Fault,
    /// Threads, futexes, mutexes.
    Thread,
    /// Start to end of bash and python3 from the root that --root gives.
    Start,
    /// What tracing costs: the null call with probes off and on, and without any compiled in; a counter, an event. Ochre's own.
    Trace,
    /// The least memory with which the first program runs.
    Memory,
}

impl Subject {
    /// The program of `user/bench` that measures it, and the families (first words) of its figures.
    fn program(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Subject::Boot | Subject::Memory => None,
            Subject::Exec => Some(("/bench/processes", &["fork", "vfork", "spawn", "exec"])),
            Subject::Switch => Some(("/bench/processes", &["switch"])),
            Subject::Syscall => Some(("/bench/calls", &["sys", "clock", "signal"])),
            Subject::File => Some(("/bench/calls", &["file"])),
            Subject::Pipe => Some(("/bench/calls", &["pipe"])),
            Subject::Fault => Some(("/bench/memory", &["map", "fault", "fill"])),
            Subject::Trace => Some((TRACING, &["trace"])),
            Subject::Start => Some((STARTS, &["start"])),
            Subject::Thread => Some(("/bench/threads", &["thread", "futex", "mutex"])),
        }
    }
}

/// `ochre bench`'s command line.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct BenchArguments {
    /// What to measure [default: all]
    #[arg(value_enum)]
    subjects: Vec<Subject>,
    /// One guest architecture only
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// Timed runs of each kernel
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// A directory or archive with bash and python3, for the subject "start", which is left out without it
    #[arg(long, value_name = "PATH")]
    root: Option<PathBuf>,
    /// Ochre only, no Linux beside it: for a look at what a change costs
    #[arg(long)]
    alone: bool,
    /// Samples as JSON, one object a line, in place of tables
    #[arg(long)]
    json: bool,
}

/// A kernel under measurement.
struct Contestant {
    name: &'static str,
    file: PathBuf,
    words: String,
    runs: Runs,
}

/// Which subjects a kernel takes part in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    All,
    AllButTracing,
    Tracing,
}

/// Memory of the machines of all subjects but [`Subject::Memory`], in MiB.
const MEMORY: u64 = 512;
/// How long one machine may run; counting runs are slow.
const LIMIT: Duration = Duration::from_secs(300);
/// How long a machine with little memory may take to come up.
const MEMORY_LIMIT: Duration = Duration::from_secs(20);

/// Memory of machines whose root is a whole distribution, in MiB.
const ROOT_MEMORY: u64 = 2048;

const STARTS: &str = "/bench/starts";
const TRACING: &str = "/bench/tracing";
/// Words that make our kernel tell what counting and firing cost, in place of running a program.
const COSTS: &str = "ochre.test=costs";

/// Measures and prints.
pub(crate) fn bench(home: &Home, arguments: &BenchArguments) -> anyhow::Result<u8> {
    let subjects = if arguments.subjects.is_empty() { Subject::value_variants() } else { &arguments.subjects };
    if arguments.subjects.contains(&Subject::Start) && arguments.root.is_none() {
        let text = "the subject start needs a root with bash and python3: give it with --root";
        return Err(failure(status::USAGE, text));
    }
    for arch in Arch::ALL.into_iter().filter(|arch| arguments.arch.is_none_or(|only| only == *arch)) {
        let bench = Bench {
            arch,
            qemu: packages::ensure_program(arch.qemu(), arch.qemu_package())?,
            programs: programs::build(home, arch, "user/bench")?,
            contestants: contestants(home, arch, arguments.alone, subjects)?,
            root: arguments.root.as_deref(),
            home,
        };
        let mut figures = Figures::default();
        if subjects.contains(&Subject::Boot) {
            bench.boot(arguments.runs, &mut figures)?;
        }
        let wanted = subjects.iter().filter(|subject| **subject != Subject::Start || arguments.root.is_some());
        let programs: Vec<_> = wanted.filter_map(|subject| subject.program()).collect();
        for (i, (program, _)) in programs.iter().enumerate() {
            // Subjects of one program share its runs.
            if programs[..i].iter().all(|(earlier, _)| earlier != program) {
                let of_program = programs.iter().filter(|(other, _)| other == program);
                let families: Vec<&str> = of_program.flat_map(|(_, families)| *families).copied().collect();
                bench.program(program, &families, arguments.runs, &mut figures)?;
            }
        }
        if subjects.contains(&Subject::Memory) {
            bench.memory(&mut figures)?;
        }
        let names: Vec<&str> = bench.contestants.iter().map(|contestant| contestant.name).collect();
        if arguments.json {
            print!("{}", figures.json(&names));
        } else {
            println!("{arch}, emulated, 1 processor, {} runs each in turn", arguments.runs);
            print!("{}", figures.table(&names));
        }
    }
    Ok(0)
}

fn contestants(home: &Home, arch: Arch, is_alone: bool, subjects: &[Subject]) -> anyhow::Result<Vec<Contestant>> {
    let own = |name, build, runs| {
        let file = kernel::ensure(home, arch, build)?;
        anyhow::Ok(Contestant { name, file, words: "ochre.log=error".into(), runs })
    };
    let mut all = vec![own("ochre", Build::Release, Runs::All)?];
    if !is_alone && subjects != [Subject::Trace] {
        all.extend(peers(home, arch)?);
    }
    if subjects.contains(&Subject::Trace) {
        all.push(own("untraced", Build::Untraced, Runs::Tracing)?);
    }
    Ok(all)
}

/// Linux, tuned and as it comes.
fn peers(home: &Home, arch: Arch) -> anyhow::Result<Vec<Contestant>> {
    let peer = linux::ensure(home, arch)?;
    let console = match arch {
        Arch::X86_64 => "console=ttyS0 quiet panic=-1",
        Arch::Aarch64 => "console=ttyAMA0 quiet panic=-1",
    };
    let runs = Runs::AllButTracing;
    Ok(vec![
        Contestant { name: "tuned", file: peer.clone(), words: format!("{console} {}", linux::TUNED), runs },
        Contestant { name: "stock", file: peer, words: console.into(), runs },
    ])
}

/// Everything a subject needs.
struct Bench<'a> {
    home: &'a Home,
    arch: Arch,
    qemu: PathBuf,
    programs: Programs,
    contestants: Vec<Contestant>,
    /// What `--root` gave.
    root: Option<&'a Path>,
}

impl Bench<'_> {
    /// Runs `arguments` as the first program of `contestant`'s machine; `None` if it did not get to its end.
    fn lines(
        &self,
        contestant: &Contestant,
        arguments: &[&str],
        memory_mib: u64,
        counts: bool,
        limit: Duration,
    ) -> anyhow::Result<Option<Vec<Line>>> {
        let host = self.root.filter(|_| arguments[0] == STARTS);
        let initramfs = root::make(self.home, self.arch, host, &self.programs, arguments)?;
        let (program, rest) = (arguments[0], arguments[1..].join(" "));
        let setting = Setting {
            arch: self.arch,
            qemu: &self.qemu,
            kernel: &contestant.file,
            initramfs: &initramfs,
            command_line: &format!("{} rdinit={program} -- {rest}", contestant.words),
            memory_mib,
            counts,
            is_pc: program != FIRST,
        };
        let lines = machine::run(&setting, limit)?;
        Ok(lines.last().is_some_and(|line| line.text == END).then_some(lines))
    }

    fn must(&self, contestant: &Contestant, arguments: &[&str], counts: bool) -> anyhow::Result<Vec<Line>> {
        let memory_mib = if arguments[0] == STARTS { ROOT_MEMORY } else { MEMORY };
        self.lines(contestant, arguments, memory_mib, counts, LIMIT)?.ok_or_else(|| {
            anyhow::anyhow!("{} on {} did not finish {}", contestant.name, self.arch, arguments.join(" "))
        })
    }

    fn boot(&self, runs: u32, figures: &mut Figures) -> anyhow::Result<()> {
        for _ in 0..runs {
            for (index, contestant) in self.of(false) {
                let lines = self.must(contestant, &[FIRST], false)?;
                let (first, _) = counter(&lines)?;
                figures.add("boot to first output, s", index, first.as_secs_f64());
            }
        }
        for (index, contestant) in self.of(false) {
            let (_, instructions) = counter(&self.must(contestant, &[FIRST], true)?)?;
            figures.add("boot to first output, instructions", index, instructions);
        }
        Ok(())
    }

    /// Runs one program's measurements on every contestant, `runs` times by the clock and once with instructions counted.
    fn program(&self, program: &str, families: &[&str], runs: u32, figures: &mut Figures) -> anyhow::Result<()> {
        for run in 0..=runs {
            let counts = run == runs;
            for (index, contestant) in self.of(program == TRACING) {
                let mut lines = self.must(contestant, &[program, "5"], counts)?;
                if program == TRACING && contestant.runs == Runs::All {
                    let words = format!("{} {COSTS}", contestant.words);
                    let costs = Contestant { words, file: contestant.file.clone(), ..*contestant };
                    lines.extend(self.must(&costs, &[program], counts)?);
                }
                for line in lines {
                    let mut words = line.text.split_whitespace();
                    let (Some(name), Some(least)) = (words.next(), words.next()) else { continue };
                    let family = name.split('.').next().unwrap_or(name);
                    let Ok(value) = least.parse() else { continue };
                    if families.contains(&family) {
                        figures.add(&format!("{name}, {}", if counts { "instructions" } else { "ns" }), index, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// The kernels that take part in what is not, or is, about tracing, with their numbers.
    fn of(&self, is_tracing: bool) -> impl Iterator<Item = (usize, &Contestant)> {
        let other = if is_tracing { Runs::AllButTracing } else { Runs::Tracing };
        self.contestants.iter().enumerate().filter(move |(_, contestant)| contestant.runs != other)
    }

    /// Halves the distance between a memory that is too small and one that is enough.
    fn memory(&self, figures: &mut Figures) -> anyhow::Result<()> {
        for (index, contestant) in self.of(false) {
            let (mut too_small, mut enough) = (1, MEMORY);
            while enough - too_small > 1 {
                let middle = (too_small + enough) / 2;
                match self.lines(contestant, &[FIRST], middle, false, MEMORY_LIMIT)? {
                    Some(_) => enough = middle,
                    None => too_small = middle,
                }
            }
            figures.add("least memory, MiB", index, enough as f64);
        }
        Ok(())
    }
}

/// The line of `first`: when it came, and the instructions until then if they were counted. Its counter goes up once an
/// instruction on x86-64; on ARM64 at the rate the line tells, while an instruction takes a nanosecond.
fn counter(lines: &[Line]) -> anyhow::Result<(Duration, f64)> {
    for line in lines {
        // Marks of the kernel's start may stand before it on the same line.
        let Some((_, rest)) = line.text.split_once("counter ") else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        if let [value, rate] = words[..] {
            let (value, rate): (f64, f64) = (value.parse()?, rate.parse()?);
            return Ok((line.at, if rate > 0.0 { value * 1e9 / rate } else { value }));
        }
    }
    anyhow::bail!("the first program printed no counter")
}
