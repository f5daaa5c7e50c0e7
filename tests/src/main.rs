//! Tests of the whole system, driven from the host: each case runs `ochre` and judges bytes, status and time.
//!
//! Prints one line a case, "test NAME ... ok", "FAILED" or, where something outside is missing, "ignored", as Rust's own harness does;
//! `ochre test` counts them. A case that failed is followed by what it said and by the consoles of its machines.
//! Usage: `system-tests --arch ARCH --ochre PROGRAM [--quick] [PART_OF_NAME]`.
#![forbid(unsafe_code)]

use guest::Guest;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

mod attach;
mod boots;
mod debugger;
mod failures;
mod function_probes;
mod guest;
mod languages;
mod machines;
mod memory;
mod metrics;
mod observe;
mod profile;
mod programs;
mod roots;
mod scripts;
mod signals;
mod statuses;
mod strace;
mod streams;
mod terminal;
mod trace_language;
mod tracing;
mod user_probes;

/// A case: its name, whether it is left out by `--quick`, and what it does (panics if it fails).
type Case = (&'static str, Length, fn(&Guest));

/// How long a case takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
}

use Length::{Long, Short};

const CASES: &[Case] = &[
    ("streams::stdout_is_byte_exact", Short, streams::stdout_is_byte_exact),
    ("streams::stderr_is_byte_exact_and_separate", Short, streams::stderr_is_byte_exact_and_separate),
    ("streams::lines_of_many_writers_stay_whole", Short, streams::lines_of_many_writers_stay_whole),
    ("streams::stdin_is_byte_exact", Short, streams::stdin_is_byte_exact),
    ("streams::empty_stdin_ends", Short, streams::empty_stdin_ends),
    ("streams::a_closed_reader_ends_the_writer", Short, streams::a_closed_reader_ends_the_writer),
    ("streams::pipes_are_no_terminals", Short, streams::pipes_are_no_terminals),
    ("statuses::exit_status_is_the_programs", Short, statuses::exit_status_is_the_programs),
    ("statuses::signals_are_128_and_more", Short, statuses::signals_are_128_and_more),
    ("statuses::init_cannot_be_killed", Short, statuses::init_cannot_be_killed),
    ("statuses::what_cannot_run_is_told", Short, statuses::what_cannot_run_is_told),
    ("statuses::bad_usage_is_told", Short, statuses::bad_usage_is_told),
    ("statuses::readers_may_go", Short, statuses::readers_may_go),
    ("statuses::hostile_programs_do_no_harm", Long, statuses::hostile_programs_do_no_harm),
    ("statuses::timeout_ends_a_run", Short, statuses::timeout_ends_a_run),
    ("failures::a_failing_kernel_tells_all", Short, failures::a_failing_kernel_tells_all),
    ("failures::what_is_stuck_is_told", Short, failures::what_is_stuck_is_told),
    ("failures::damaged_roots_are_refused", Short, failures::damaged_roots_are_refused),
    ("failures::a_machine_taken_away_is_told", Short, failures::a_machine_taken_away_is_told),
    ("signals::interrupt_ends_the_program", Short, signals::interrupt_ends_the_program),
    ("signals::terminate_can_be_caught", Short, signals::terminate_can_be_caught),
    ("terminal::is_one_and_has_a_size", Short, terminal::is_one_and_has_a_size),
    ("terminal::a_new_size_is_told", Short, terminal::a_new_size_is_told),
    ("terminal::the_shell_talks", Short, terminal::the_shell_talks),
    ("terminal::typing_ahead_is_not_lost", Short, terminal::typing_ahead_is_not_lost),
    ("terminal::control_c_ends_the_program", Short, terminal::control_c_ends_the_program),
    ("terminal::control_z_stops_the_job_in_front", Short, terminal::control_z_stops_the_job_in_front),
    ("terminal::control_z_does_not_stop_an_orphaned_group", Short, terminal::control_z_does_not_stop_an_orphaned_group),
    ("terminal::keys_begin_and_end_sampling", Short, terminal::keys_begin_and_end_sampling),
    ("terminal::a_shell_is_sampled_on_demand", Short, terminal::a_shell_is_sampled_on_demand),
    ("terminal::top_has_keys", Short, terminal::top_has_keys),
    ("terminal::echo_stays_off_a_pipe", Short, terminal::echo_stays_off_a_pipe),
    ("tracing::probes_are_switched_one_by_one", Short, tracing::probes_are_switched_one_by_one),
    ("tracing::records_are_whole_and_in_order", Short, tracing::records_are_whole_and_in_order),
    ("tracing::counters_tell_the_truth", Short, tracing::counters_tell_the_truth),
    ("tracing::rings_have_the_size_that_is_asked_for", Short, tracing::rings_have_the_size_that_is_asked_for),
    ("tracing::probes_cost_little", Short, tracing::probes_cost_little),
    ("tracing::no_write_does_harm", Short, tracing::no_write_does_harm),
    ("attach::one_after_another", Short, attach::one_after_another),
    ("attach::what_cannot_be_watched_is_told", Short, attach::what_cannot_be_watched_is_told),
    ("observe::records_leave_the_guest", Short, observe::records_leave_the_guest),
    ("function_probes::every_call_is_told", Short, function_probes::every_call_is_told),
    ("function_probes::entries_and_returns_are_pairs", Short, function_probes::entries_and_returns_are_pairs),
    ("function_probes::hundreds_at_once", Short, function_probes::hundreds_at_once),
    ("function_probes::what_has_no_probe_is_told", Short, function_probes::what_has_no_probe_is_told),
    ("user_probes::every_call_is_told", Short, user_probes::every_call_is_told),
    ("user_probes::what_has_no_probe_is_told", Short, user_probes::what_has_no_probe_is_told),
    ("user_probes::files_without_room_are_told", Short, user_probes::files_without_room_are_told),
    ("user_probes::functions_of_shared_libraries_are_told", Short, user_probes::functions_of_shared_libraries_are_told),
    ("strace::calls_are_shown_as_by_strace", Short, strace::calls_are_shown_as_by_strace),
    ("strace::children_are_followed", Short, strace::children_are_followed),
    ("strace::calls_are_chosen_and_counted", Short, strace::calls_are_chosen_and_counted),
    ("strace::descriptors_have_names", Short, strace::descriptors_have_names),
    ("strace::what_was_missing_is_told", Short, strace::what_was_missing_is_told),
    ("metrics::metrics_leave_the_guest", Short, metrics::metrics_leave_the_guest),
    ("metrics::top_shows_processes", Short, metrics::top_shows_processes),
    ("debugger::gdb_finds_rings_and_threads", Short, debugger::gdb_finds_rings_and_threads),
    ("tracing::samples_are_taken_from_within", Short, tracing::samples_are_taken_from_within),
    ("profile::shares_are_true", Short, profile::shares_are_true),
    ("profile::callers_are_found_without_frame_pointers", Short, profile::callers_are_found_without_frame_pointers),
    ("profile::corrupt_stacks_do_no_harm", Short, profile::corrupt_stacks_do_no_harm),
    ("profile::a_map_that_is_no_file_is_left_alone", Short, profile::a_map_that_is_no_file_is_left_alone),
    ("profile::two_processes_have_half_each", Short, profile::two_processes_have_half_each),
    ("profile::sampling_costs_little", Short, profile::sampling_costs_little),
    ("profile::formats_and_refusals", Short, profile::formats_and_refusals),
    ("profile::recipes_run_as_written", Short, profile::recipes_run_as_written),
    ("observe::programs_count_exactly", Short, observe::programs_count_exactly),
    ("trace_language::stacks_and_texts_are_told", Short, trace_language::stacks_and_texts_are_told),
    (
        "trace_language::aggregations_are_handled_while_the_program_runs",
        Short,
        trace_language::aggregations_are_handled_while_the_program_runs,
    ),
    (
        "trace_language::every_probe_can_take_stacks_and_texts",
        Short,
        trace_language::every_probe_can_take_stacks_and_texts,
    ),
    ("trace_language::ticks_see_no_program", Short, trace_language::ticks_see_no_program),
    ("trace_language::switches_and_locks_take_their_time", Short, trace_language::switches_and_locks_take_their_time),
    (
        "trace_language::a_reader_that_stops_does_not_stop_printa",
        Short,
        trace_language::a_reader_that_stops_does_not_stop_printa,
    ),
    ("trace_language::stacks_become_flame_graphs", Short, trace_language::stacks_become_flame_graphs),
    ("observe::bad_programs_are_refused", Short, observe::bad_programs_are_refused),
    ("observe::programs_end_runs", Short, observe::programs_end_runs),
    ("observe::two_consumers_do_not_disturb_each_other", Short, observe::two_consumers_do_not_disturb_each_other),
    (
        "observe::a_reader_that_stops_does_not_stop_the_guest",
        Short,
        observe::a_reader_that_stops_does_not_stop_the_guest,
    ),
    ("observe::what_does_not_end_is_told_all_the_same", Short, observe::what_does_not_end_is_told_all_the_same),
    ("programs::a_host_program_is_run", Short, programs::a_host_program_is_run),
    ("programs::a_large_program_is_hardly_read", Short, programs::a_large_program_is_hardly_read),
    (
        "programs::files_of_the_root_can_be_changed_where_mapped",
        Short,
        programs::files_of_the_root_can_be_changed_where_mapped,
    ),
    ("programs::environment_and_workdir_are_set", Short, programs::environment_and_workdir_are_set),
    ("programs::the_clock_is_right", Short, programs::the_clock_is_right),
    ("programs::the_clock_can_be_set", Short, programs::the_clock_can_be_set),
    ("programs::clocks_work_without_a_vdso", Short, programs::clocks_work_without_a_vdso),
    ("programs::unknown_calls_are_reported", Short, programs::unknown_calls_are_reported),
    ("languages::c_musl", Long, languages::c_musl),
    ("languages::c_dietlibc", Long, languages::c_dietlibc),
    ("languages::c_glibc", Long, languages::c_glibc),
    ("languages::cpp", Long, languages::cpp),
    ("languages::fortran", Long, languages::fortran),
    ("languages::rust", Long, languages::rust),
    ("languages::go", Long, languages::go),
    ("roots::directory_tar_and_cpio", Long, roots::directory_tar_and_cpio),
    ("machines::processors_are_seen", Short, machines::processors_are_seen),
    ("machines::little_memory_is_enough", Short, machines::little_memory_is_enough),
    ("machines::devices_between_ram_are_found", Short, machines::devices_between_ram_are_found),
    ("memory::the_one_that_takes_all_is_ended", Short, memory::the_one_that_takes_all_is_ended),
    ("memory::adjustments_are_heeded", Short, memory::adjustments_are_heeded),
    ("memory::pages_of_files_are_given_back", Short, memory::pages_of_files_are_given_back),
    ("memory::large_areas_get_large_pages", Short, memory::large_areas_get_large_pages),
    ("machines::many_names_do_no_harm", Short, machines::many_names_do_no_harm),
    ("machines::loaders_of_linux_start_it", Short, machines::loaders_of_linux_start_it),
    ("machines::other_machines_boot", Long, machines::other_machines_boot),
    ("scripts::real_work_is_as_on_linux", Long, scripts::real_work_is_as_on_linux),
    ("boots::many_in_a_row", Long, boots::many_in_a_row),
];

/// Most time for one case; several times what the slowest takes on a busy host.
const CASE_LIMIT: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let mut guest = Guest::default();
    let (mut only, mut one, mut quick) = (None, None, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--arch" => guest.arch = words.next().unwrap_or_default(),
            "--ochre" => guest.ochre = words.next().unwrap_or_default().into(),
            "--quick" => quick = true,
            // What `run_apart` starts: one case, in this process.
            "--one" => one = words.next(),
            _ => only = Some(word),
        }
    }
    if let Some(one) = one {
        let case = CASES.iter().find(|(name, ..)| *name == one);
        case.map(|(_, _, case)| case(&guest)).expect("a case of this name");
        return ExitCode::SUCCESS;
    }
    let mut failed = false;
    let is_wanted = |(name, length, _): &&Case| {
        only.as_ref().is_none_or(|only: &String| name.contains(only.as_str())) && !(quick && *length == Long)
    };
    println!("running {} tests", CASES.iter().filter(is_wanted).count());
    for (name, ..) in CASES.iter().filter(is_wanted) {
        let start = Instant::now();
        let outcome = run_apart(&guest, name);
        let verdict = match &outcome {
            Ok(true) => "ok",
            Ok(false) => "ignored",
            Err(_) => "FAILED",
        };
        println!("test {name} ... {verdict} ({:.1} s)", start.elapsed().as_secs_f64());
        if let Err(words) = outcome {
            println!("---- {name} stdout ----");
            words.lines().for_each(|line| println!("  {line}"));
            failed = true;
        }
    }
    ExitCode::from(u8::from(failed))
}

/// Runs a case in a process of its own: it may panic, and be ended when it hangs. Answers whether it could be tried; an
/// error is all that is known of a failure.
fn run_apart(guest: &Guest, name: &str) -> Result<bool, String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let words = directory.path().join("words");
    let sink = || File::options().create(true).append(true).open(&words).expect("a file");
    let me = std::env::current_exe().expect("this program's path");
    let mut command = Command::new(me);
    command.args(["--arch", &guest.arch, "--one", name, "--ochre"]).arg(&guest.ochre);
    command.env(guest::CONSOLES, directory.path()).stdout(sink()).stderr(sink());
    let mut child = command.process_group(0).spawn().expect("this program starts again");
    let start = Instant::now();
    let limit = CASE_LIMIT.max(Duration::from_secs(20) * boots::count());
    let end = loop {
        match child.try_wait().expect("the case can be waited for") {
            Some(status) if status.success() => return Ok(true),
            Some(status) if status.code() == Some(languages::WAITS) => return Ok(false),
            Some(status) => break format!("ended with {status}"),
            None if start.elapsed() > limit => {
                let group = rustix::process::Pid::from_child(&child);
                // It may have ended meanwhile.
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                let _ = child.wait();
                break format!("not over after {limit:?}");
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    let said = std::fs::read(&words).unwrap_or_default();
    Err(format!("{}{end}\n{}", String::from_utf8_lossy(&said), guest::consoles(directory.path())))
}
