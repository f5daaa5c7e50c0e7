//! `xtask inject`: switches a deliberate defect on in the checked kernel (`machine/src/defect.rs`) and runs the test programs on it.
//!
//! Each defect has programs that must notice it, and programs that have nothing to do with it and must still pass: so a kernel
//! that does not boot, or a suite that fails for another reason, does not count as noticed. First the same kernel without any
//! defect must pass all of them. What counts is each program's wait status, as the runner in the machine saw it.
//!
//! One line a defect, "test inject::NAME ... VERDICT", for `ochre test`, which runs `--short` each time.

use crate::build;
use crate::tree::{self, Arch};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// A defect and who must notice.
struct Defect {
    /// Its name on the kernel's command line.
    name: &'static str,
    what: &'static str,
    /// The program that `--short` asks.
    first: &'static str,
    /// Further programs that must fail.
    red: &'static [&'static str],
    /// Programs that must pass all the same.
    green: &'static [&'static str],
}

const DEFECTS: &[Defect] = &[
    Defect {
        name: "cow",
        what: "a write to a private page with three owners goes to the shared frame (kernel/src/mm/fault.rs)",
        first: "cow_stress_test",
        red: &[],
        green: &["uname_test", "mmap_test", "brk_test"],
    },
    Defect {
        name: "wakeup",
        what: "one wake-up in thirty-two at a futex is lost (kernel/src/task/futex.rs)",
        first: "futex_test",
        red: &["thread_test"],
        green: &["uname_test", "mmap_test", "brk_test", "path_errno_test"],
    },
    Defect {
        name: "leak",
        what: "one freed frame in four is never used again (machine/src/mm/frame.rs)",
        first: "memory_return_test",
        red: &[],
        green: &["uname_test", "mmap_test", "brk_test", "fork_test", "futex_test"],
    },
];

/// Seconds a program may take with a defect on: some hang, and that is what is looked for.
const LIMIT: &str = "20";

/// `xtask inject`'s command line.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One of cow, wakeup, leak [default: all]
    defect: Option<String>,
    /// On this architecture
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
    /// One program that must notice each defect, and one that must not
    #[arg(long)]
    short: bool,
    /// Run every program and show which notice
    #[arg(long, conflicts_with = "short")]
    survey: bool,
}

/// Injects the defects asked for, one after the other.
pub(crate) fn inject(arguments: &Arguments) -> anyhow::Result<()> {
    let wanted: Vec<_> =
        DEFECTS.iter().filter(|defect| arguments.defect.as_deref().is_none_or(|only| only == defect.name)).collect();
    anyhow::ensure!(!wanted.is_empty(), "there is no such defect");
    let kernel = build::checked(arguments.arch)?;
    if arguments.survey {
        return survey(&kernel, arguments.arch, &wanted);
    }
    println!("running {} tests", wanted.len() + 1);
    let mut names: Vec<&str> = wanted.iter().flat_map(|defect| programs(defect, arguments.short)).collect();
    names.sort_unstable();
    names.dedup();
    let verdicts = run(&kernel, arguments.arch, None, &names)?;
    let failed: Vec<String> =
        names.iter().filter(|name| !verdicts.passed(name)).map(|name| verdicts.tell(name)).collect();
    let mut is_good = judge("without_a_defect", &failed);
    for defect in wanted {
        let names: Vec<&str> = programs(defect, arguments.short).collect();
        let verdicts = run(&kernel, arguments.arch, Some(defect.name), &names)?;
        let wrong: Vec<String> = names
            .iter()
            .filter(|name| if defect.green.contains(name) { !verdicts.passed(name) } else { !verdicts.noticed(name) })
            .map(|name| verdicts.tell(name))
            .collect();
        is_good &= judge(defect.name, &wrong);
        println!("  {}:", defect.what);
        names.iter().for_each(|name| println!("  {}", verdicts.tell(name)));
    }
    anyhow::ensure!(is_good, "the tests do not tell the sound kernel from the defective");
    Ok(())
}

/// What runs for a defect. Those that must pass go first: what a defect breaks may take the machine along.
fn programs(defect: &'static Defect, short: bool) -> impl Iterator<Item = &'static str> {
    let most = if short { 1 } else { usize::MAX };
    let red = defect.red.iter().take(if short { 0 } else { usize::MAX });
    defect.green.iter().take(most).copied().chain([defect.first]).chain(red.copied())
}

/// Prints a verdict, and after a bad one why.
fn judge(name: &str, wrong: &[String]) -> bool {
    println!("test inject::{name} ... {}", if wrong.is_empty() { "ok" } else { "FAILED" });
    if !wrong.is_empty() {
        println!("---- inject::{name} stdout ----");
        wrong.iter().for_each(|text| println!("  not as expected: {text}"));
    }
    wrong.is_empty()
}

/// What programs ended with: a wait status, "timeout", or "none" if the machine did not get so far.
struct Verdicts(BTreeMap<String, String>);

impl Verdicts {
    fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("none", String::as_str)
    }

    fn passed(&self, name: &str) -> bool {
        self.of(name) == "0"
    }

    /// It ran and told: by its exit status, a signal, or by hanging.
    fn noticed(&self, name: &str) -> bool {
        !matches!(self.of(name), "0" | "none" | "nofork")
    }

    fn tell(&self, name: &str) -> String {
        let status = match self.of(name) {
            "none" => "gave no wait status".to_string(),
            "timeout" => "hung".to_string(),
            "0" => "passed".to_string(),
            other => format!("ended with wait status {other}"),
        };
        format!("{name} {status}")
    }
}

/// Runs `names` (all programs, if there are none) on the kernel with this defect on.
fn run(kernel: &Path, arch: Arch, defect: Option<&str>, names: &[&str]) -> anyhow::Result<Verdicts> {
    let mut ochre = Command::new(std::env::current_exe()?.with_file_name("ochre"));
    ochre.args(["test", "--arch", arch.name(), "--cpus", "2", "--limit", LIMIT, "--kernel"]).arg(kernel);
    if !names.is_empty() {
        ochre.args(["--programs", &names.join(",")]);
    }
    if let Some(defect) = defect {
        ochre.args(["--append", &format!("ochre.defect={defect}")]);
    }
    ochre.env("OCHRE_TOP", tree::top()).env("OCHRE_CACHE", tree::cache()).stdin(Stdio::null());
    let output = ochre.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let verdicts: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("verdict ")?.split_once(' '))
        .map(|(name, status)| (name.to_string(), status.to_string()))
        .collect();
    let complaints = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(!verdicts.is_empty(), "the test programs could not be run: {text}{complaints}");
    Ok(Verdicts(verdicts))
}

/// For whoever changes the lists above: what every program makes of each defect.
fn survey(kernel: &Path, arch: Arch, wanted: &[&Defect]) -> anyhow::Result<()> {
    for defect in wanted {
        println!("{}:", defect.name);
        let verdicts = run(kernel, arch, Some(defect.name), &[])?;
        for name in verdicts.0.keys().filter(|name| !verdicts.passed(name)) {
            println!("  {}", verdicts.tell(name));
        }
    }
    Ok(())
}
