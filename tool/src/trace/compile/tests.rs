//! The compiler against a guest that is played: what it makes passes the kernel's verifier, and mistakes point at their place.
use super::compile;
use crate::observe::guest::Guest;
use crate::trace::functions::{Catalog, TracedFunction};
use crate::trace::parse::parse;
use crate::trace::plan::Plan;
use crate::trace::source::Mistake;
use proptest::prelude::*;
use pure::trace_program::{Environment, Keep, Program, Source, run};
use std::cell::RefCell;
use wire::observe::{BEGIN, END, FUNCTION, KEPT, Kind, PROFILE, ProbeDescription, Writer};

/// A probe as it is told: number, names, arguments with their kinds.
type Told<'a> = (u16, &'a str, &'a str, &'a [(u8, &'a str)]);

/// A guest with a few probes and system calls.
fn guest() -> Guest {
    let mut guest = Guest::default();
    let probes: &[Told<'_>] = &[
        (0x300, "syscall", "entry", &[(0, "number"), (2, "a0"), (2, "a1"), (2, "a2")]),
        (0x301, "syscall", "return", &[(0, "number"), (1, "result"), (0, "tid")]),
        (0x100, "sched", "off_cpu", &[(0, "thread"), (0, "next"), (0, "state")]),
        (0x101, "sched", "on_cpu", &[(0, "thread")]),
    ];
    let mut bytes = [0; 4096];
    let mut out = Writer::new(&mut bytes);
    for (id, provider, name, arguments) in probes {
        let mut names = [0; 256];
        let mut described = Writer::new(&mut names);
        for (kind, name) in *arguments {
            described.u8(*kind).text(name.as_bytes());
        }
        let used = described.finish().expect("fits");
        let (provider, name) = (provider.as_bytes(), name.as_bytes());
        ProbeDescription { id: *id, provider, name, arguments: &names[..used] }.encode(&mut out);
    }
    let used = out.finish().expect("fits");
    guest.take(Kind::Probes, &bytes[..used]).expect("sound");
    let mut out = Writer::new(&mut bytes);
    for (number, name) in [(0, "read"), (1, "write"), (2, "open"), (257, "openat")] {
        out.u16(number).text(name.as_bytes());
    }
    let used = out.finish().expect("fits");
    guest.take(Kind::Calls, &bytes[..used]).expect("sound");
    guest
}

/// The functions of a kernel.
fn catalog() -> Catalog {
    let all = [(0x10, "kernel::fs::open"), (0x20, "<kernel::fs::A as B>::read"), (0x30, "<kernel::fs::A as C>::read")];
    Catalog::of(all.into_iter().chain((0..1100).map(|number| (0x1000 + number, "modules::many"))))
}

fn plan(text: &str) -> Result<Plan, Mistake> {
    let plan = compile(&parse(text)?, &guest(), &catalog())?;
    let decoded = Program::decode(&plan.image());
    assert_eq!(decoded.as_ref(), Ok(&plan.program), "the kernel would refuse {text}");
    Ok(plan)
}

/// What a clause does, run for `probe` with these arguments by a task called `name`.
#[derive(Default)]
struct World {
    arguments: Vec<u64>,
    name: [u64; 2],
    done: RefCell<Vec<String>>,
}

impl World {
    fn say(&self, text: String) {
        self.done.borrow_mut().push(text);
    }
}

impl Environment for World {
    fn load(&self, source: Source, index: u8) -> u64 {
        match source {
            Source::Argument => self.arguments.get(usize::from(index)).copied().unwrap_or(0),
            Source::Name => self.name[usize::from(index)],
            Source::Pid => 77,
            Source::Text => KEPT + u64::from(index),
            _ => 0,
        }
    }
    fn store_global(&self, index: u8, value: u64) {
        self.say(format!("global {index} = {}", value.cast_signed()));
    }
    fn store_local(&self, index: u8, value: u64) {
        self.say(format!("local {index} = {}", value.cast_signed()));
    }
    fn keep(&self, what: Keep, address: u64, most: u16) -> u64 {
        self.say(format!("keep {what:?} {address} {most}"));
        KEPT + address
    }
    fn snapshot(&self) {
        self.say("snapshot".into());
    }
    fn aggregate(&self, table: u8, registers: &[u64], value: i64) {
        self.say(format!("@{table}[{}] {value}", registers[0]));
    }
    fn emit(&self, output: u16, values: &[u64]) {
        self.say(format!("output {output} {values:?}"));
    }
    fn record(&self) {
        self.say("record".into());
    }
    fn exit(&self, status: u64) {
        self.say(format!("exit {status}"));
    }
}

/// What a program does when `probe` fires.
fn done(text: &str, probe: u16, arguments: &[u64], name: &str) -> Vec<String> {
    let plan = plan(text).unwrap_or_else(|mistake| panic!("{text}: {mistake:?}"));
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    let words = bytes.as_chunks::<8>().0;
    let name = [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])];
    let world = World { arguments: arguments.to_vec(), name, done: RefCell::default() };
    let mut variables = [0; 16];
    for clause in plan.program.clauses.iter().filter(|clause| clause.probes.contains(&probe)) {
        let _ = run(&clause.instructions, &mut variables, &world);
    }
    world.done.into_inner()
}

#[test]
fn the_example_counts_calls_of_one_program() {
    let text = "syscall:::entry /execname == \"python3\"/ { @[probefunc] = count(); }";
    assert_eq!(done(text, 0x300, &[257, 1], "python3"), ["@0[257] 1"]);
    assert_eq!(done(text, 0x300, &[257, 1], "python"), [""; 0]);
    assert_eq!(done(text, 0x301, &[257, 1], "python3"), [""; 0]);
}

#[test]
fn functions_of_the_kernel_share_their_code() {
    let clauses = |text: &str| plan(text).map(|plan| plan.program.clauses).expect(text);
    let counted = clauses("fbt::fs::*:entry { @[probemod, probefunc, probename] = count(); }");
    // Two functions, one of them in two copies.
    assert_eq!(counted.iter().map(|clause| clause.probes.clone()).collect::<Vec<_>>(), [[FUNCTION, FUNCTION + 1]]);
    let text = "fbt:kernel::entry /probefunc == \"fs::open\"/ { x = arg2 }";
    assert_eq!(done(text, FUNCTION + 1, &[1, 2, 3], ""), ["global 0 = 3"]);
    assert_eq!(done(text, FUNCTION, &[1, 2, 3], ""), [""; 0]);
    let functions = |text| plan(text).map(|plan| plan.functions).expect(text);
    assert_eq!(functions("fbt:kernel:fs::A::read:")[0].addresses, [0x20, 0x30]);
    assert_eq!(functions("fbt::fs::open:entry { x++ } fbt::*open:entry { x++ }").len(), 1);
    let both = functions("fbt::fs::open: { x++ } fbt::fs::open:return { x++ }");
    assert_eq!(
        both.iter().map(TracedFunction::probe_name).collect::<Vec<_>>(),
        ["fbt:kernel:fs::open:entry", "fbt:kernel:fs::open:return"]
    );
    assert_eq!(
        done("fbt::fs::open:* /probename == \"return\"/ { x = arg1 }", FUNCTION + 1, &[1, 2], ""),
        ["global 0 = 2"]
    );
}

#[test]
fn expressions_give_what_c_gives() {
    let value = |text: &str| done(&format!("sched:::off_cpu {{ x = {text} }}"), 0x100, &[5, 6, 7], "sh").join(";");
    for (text, wanted) in [
        ("1 + 2 * 3", 7i64),
        ("(1 + 2) * 3", 9),
        ("-7 / 2", -3),
        ("thread + next * state", 47),
        ("arg0 - arg2", -2),
        ("args[1]", 6),
        ("1 < 2 && 2 > 3", 0),
        ("0 || 5", 1),
        ("0 && 1 / 0", 0),
        ("state == 7 ? 10 : 20", 10),
        ("!state ? 10 : 20", 20),
        ("~0 ^ 1", -2),
        ("0xffffffff << 4", 0xf_ffff_fff0),
        ("execname == \"sh\"", 1),
        ("\"sh\" != execname", 0),
        ("execname == \"shh\"", 0),
        ("probename == \"off_cpu\"", 1),
        ("probeprov != \"sched\"", 0),
        ("pid >= 77", 1),
        ("1 == 1 == 1 != 0", 1),
    ] {
        assert_eq!(value(text), format!("global 0 = {wanted}"), "{text}");
    }
    assert_eq!(value("1 / (state - 7)"), "");
}

#[test]
fn arguments_of_calls_are_counted_as_by_dtrace() {
    assert_eq!(done("syscall:::entry { trace(arg1) }", 0x300, &[0, 10, 11, 12], ""), ["output 0 [11]"]);
    assert_eq!(done("syscall:::return { trace(arg0); trace(arg1) }", 0x301, &[0, 10], "").len(), 2);
    let text = "syscall::open*:entry { @[probefunc] = count() }";
    assert_eq!(done(text, 0x300, &[257], ""), ["@0[257] 1"]);
    assert_eq!(done(text, 0x300, &[2], ""), ["@0[2] 1"]);
    assert_eq!(done(text, 0x300, &[0], ""), [""; 0]);
    assert_eq!(done("syscall:::entry /probefunc == \"write\"/ { exit(3) }", 0x300, &[1], ""), ["exit 3"]);
}

#[test]
fn texts_are_kept_under_numbers() {
    let first = KEPT;
    assert_eq!(done("syscall:::entry { trace(copyinstr(arg0)) }", 0x300, &[0, 7], "")[0], "keep Text 7 256");
    assert_eq!(done("syscall:::entry /str(arg0, 9) == \"x\"/ { exit(1) }", 0x300, &[0, 0], "").len(), 2);
    assert_eq!(done("syscall:::entry /\"x\" != str(arg0)/ { exit(1) }", 0x300, &[0, 5], "").len(), 2);
    let text = "syscall:::entry { self->p = copyinstr(arg0); self->p = 0; n = arg0 ? \"a\" : execname }";
    let wanted = [
        "keep Text 3 256".into(),
        format!("local 0 = {}", first + 3),
        "local 0 = 0".into(),
        format!("global 0 = {first}"),
    ];
    assert_eq!(done(text, 0x300, &[0, 3], ""), wanted);
    assert_eq!(done("syscall:::entry { n = execname } syscall:::entry /n/ { exit(1) }", 0x300, &[0], "").len(), 2);
    let two = "syscall:::entry /str(arg0) == str(arg1)/ { exit(1) }";
    assert_eq!(done(two, 0x300, &[0, 3, 3], ""), ["keep Text 3 256", "keep Text 3 256", "exit 1"]);
    assert_eq!(done(two, 0x300, &[0, 3, 4], "").len(), 2);
    // Two for which no room was left might be the same or not.
    assert_eq!(done(two, 0x300, &[0, 0, 0], "").len(), 2);
    let differ = "syscall:::entry /str(arg0) != str(arg1)/ { exit(1) }";
    assert_eq!([[0, 0], [3, 3], [3, 4]].map(|[a, b]| done(differ, 0x300, &[0, a, b], "").len()), [2, 2, 3]);
}

#[test]
fn stacks_are_values_and_actions() {
    let key = "syscall:::entry { @[ustack(), stack(5)] = count() }";
    assert_eq!(done(key, 0x300, &[0], "")[..2], ["keep UserStack 0 127", "keep KernelStack 0 5"]);
    // By itself under the event, else under what the program says.
    assert_eq!(done("syscall:::entry { ustack(3); stack() }", 0x300, &[0], "")[0], "record");
    assert_eq!(done("syscall:::entry { printf(\"x\"); stack() }", 0x300, &[0], "")[0], "output 0 []");
    assert_eq!(done("fbt::fs::open:entry { stack() }", FUNCTION, &[0], "")[0], "record");
    assert_eq!(done("BEGIN { stack() }", BEGIN, &[], "")[0], "keep KernelStack 0 127");
}

#[test]
fn variables_of_clauses_and_branches_work() {
    let text = "syscall:::entry { this->x = arg0 * 2 } syscall:::entry /this->x/ { exit(this->x) }";
    assert_eq!(done(text, 0x300, &[0, 4], ""), ["exit 8"]);
    let text = "syscall:::entry { if (arg0 > 5) { exit(1) } else if (arg0 > 3) exit(2); else { exit(3); exit(4) } }";
    assert_eq!(done(text, 0x300, &[0, 6], ""), ["exit 1"]);
    assert_eq!(done(text, 0x300, &[0, 4], ""), ["exit 2"]);
    assert_eq!(done(text, 0x300, &[0, 1], ""), ["exit 3", "exit 4"]);
}

#[test]
fn aggregations_are_told_when_they_are_handled() {
    let text = "syscall:::entry { @a[pid] = count(); trunc(@a, 2 + 1); printa(@a) } END { printa(@a) }";
    let wanted = ["@0[77] 1", "snapshot", "output 0 [3]", "snapshot", "output 1 []"];
    assert_eq!(done(text, 0x300, &[0], ""), wanted);
    assert_eq!(done(text, END, &[], ""), ["output 1 []"]);
}

#[test]
fn the_profile_probe_tells_program_counters() {
    let text = "profile-97 /arg1/ { @[arg1] = count() }";
    assert_eq!(done(text, PROFILE, &[0, 5], ""), ["@0[5] 1"]);
    assert_eq!(plan(text).unwrap().rate, Some(97));
    assert_eq!(plan("profile-1ms { exit(0) }").unwrap().rate, Some(1000));
    assert_eq!(plan("profile-997hz { exit(0) }").unwrap().rate, Some(997));
    assert_eq!(plan("tick-50 { exit(0) }").unwrap().ticks, [20_000_000]);
}

#[test]
fn probes_with_the_same_code_share_it() {
    let plan = plan("syscall:::*, sched:::* { @ = count() } sched:::* BEGIN".trim_end_matches(" BEGIN")).unwrap();
    assert_eq!(plan.program.clauses.len(), 2);
    assert_eq!(plan.program.clauses[0].probes.len(), 4);
}

#[test]
fn mistakes_point_at_their_place() {
    for (text, at, message) in [
        ("nosuch:::entry", 0, "no probe"),
        ("syscall:::entry /foo == 1/ {}", 17, "foo"),
        ("syscall:::entry, sched:::off_cpu { trace(a0) }", 41, "sched:::off_cpu has the arguments thread"),
        ("syscall:::entry { @ = nosuch() }", 22, "nosuch"),
        ("syscall:::entry { @ = sum() }", 22, "takes 1"),
        ("syscall:::entry { @a = count(); @a = sum(1) }", 32, "elsewhere"),
        ("syscall:::entry { @a[1] = count(); @a[execname] = count() }", 35, "elsewhere"),
        ("syscall:::entry { x = execname + 1 }", 22, "text"),
        ("syscall:::entry { x = 1; x = execname }", 29, "text"),
        ("syscall:::entry { x = execname; x = 1 }", 36, "a text is wanted"),
        ("syscall:::entry { x = probefunc }", 22, "not kept"),
        ("syscall:::entry { x = stack() }", 22, "stack"),
        ("syscall:::entry /stack() == ustack()/ {}", 25, "cannot be compared"),
        ("syscall:::entry { stack(128) }", 24, "1 to 127"),
        ("syscall:::entry { ustack(pid) }", 25, "1 to 127"),
        ("syscall:::entry { trace(copyinstr()) }", 24, "address"),
        ("syscall:::entry { trace(str(a0, 257)) }", 32, "1 to 256"),
        ("syscall:::entry /str(a0, 4) == \"four\"/ {}", 31, "never be equal"),
        ("syscall:::entry { this->x = 1; trace(this->y) }", 37, "never set"),
        ("BEGIN { clear(@x) }", 14, "no aggregation @x"),
        ("BEGIN { @[pid] = count(); printa(\"%d %d %@d\", @) }", 33, "1 keys"),
        ("BEGIN { @[execname] = count(); printa(\"%d %@d\", @) }", 38, "%s"),
        ("BEGIN { @ = count(); printa(\"%q\", @) }", 29, "%q"),
        ("profile-0 { exit(0) }", 0, "profile probe"),
        ("profile-97,profile-98 { exit(0) }", 11, "equally often"),
        ("tick-200 { exit(0) }", 0, "10 ms"),
        ("syscall:::entry { printf(\"%d %d\", 1) }", 25, "2 values"),
        ("syscall:::entry { printf(\"%s\", 1) }", 31, "number"),
        ("syscall:::entry { printf(\"%q\") }", 26, "%q"),
        ("syscall::nosuch:entry", 0, "no system call"),
        ("syscall:::entry /probefunc == \"nosuch\"/ {}", 30, "nosuch"),
        ("fbt:entry", 0, "fbt:MODULE:FUNCTION:entry"),
        ("sched:::on_cpu, fbt::fs::shut:entry", 16, "no function of the kernel"),
        ("fbt::fs::open:middle", 0, "called entry and return"),
        ("fbt::fs::open:return { x = arg2 }", 27, "arg0, arg1"),
        ("fbt::many:entry", 0, "1100 functions are called so, and 1024 can have probes"),
        ("fbt::fs::open:entry { x = arg6 }", 26, "arg0, arg1"),
        ("syscall:::entry { pid = 1 }", 18, "cannot be set"),
        ("tick-1x { exit(0) }", 0, "tick"),
        ("BEGIN", 0, "nothing to record"),
        ("BEGIN { trace(self->x) }", 14, "never set"),
        ("BEGIN { @ = lquantize(1, 5, 1) }", 28, "distribution"),
        ("BEGIN { x = 1/execname }", 14, "text"),
    ] {
        let mistake = plan(text).expect_err(text);
        assert!(mistake.message.contains(message), "{text}: {mistake:?}");
        assert_eq!(mistake.at, at, "{text}: {mistake:?}");
    }
}

/// Words of the language, from which random programs are put together.
const WORDS: &[&str] = &[
    "syscall:::entry",
    "sched:::*",
    "BEGIN",
    "tick-1s",
    "/",
    "{",
    "}",
    "@",
    "a",
    "[",
    "]",
    "=",
    "count()",
    "quantize(",
    ")",
    "(",
    ";",
    ",",
    "self->x",
    "x",
    "pid",
    "execname",
    "probefunc",
    "\"read\"",
    "1",
    "0x7f",
    "+",
    "-",
    "*",
    "%",
    "==",
    "!=",
    "&&",
    "||",
    "?",
    ":",
    "!",
    "~",
    "<",
    ">>",
    "printf(\"%d\", ",
    "trace(",
    "exit(",
    "arg0",
    "args[1]",
    "++",
    "lquantize(1, 0, 10)",
    "this->y",
    "stack()",
    "ustack(3)",
    "copyinstr(arg1)",
    "str(arg0, 9)",
    "if (1)",
    "else",
    "printa(@a)",
    "trunc(@, 3)",
    "clear(@a)",
    "profile-97",
    " ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Whatever is typed: an answer, never a panic; and what is accepted the kernel accepts too.
    #[test]
    fn random_words_do_no_harm(words in prop::collection::vec(prop::sample::select(WORDS), 0..30)) {
        let _ = plan(&words.join(" "));
    }

    /// The same with a clause around them, so that more of them get through.
    #[test]
    fn random_expressions_do_no_harm(words in prop::collection::vec(prop::sample::select(&WORDS[18..]), 1..12)) {
        let _ = plan(&format!("syscall:::entry /{}/ {{ x = {} }}", words.join(" "), words.join(" ")));
    }

    #[test]
    fn random_text_does_no_harm(text in "\\PC{0,60}") {
        let _ = plan(&text);
        let _ = plan(&format!("BEGIN {{ {text} }}"));
    }
}
