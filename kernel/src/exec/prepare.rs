//! The first step of exec: everything that may fail. The caller is untouched until [`PreparedExec::commit`].
use super::auxiliary::{self, Facts};
use super::commit::PreparedExec;
use super::credentials;
use super::load::{LoadError, Program, map_program};
use super::vdso;
use crate::errno::{Errno, Result};
use crate::fs::{self, OpenFile};
use crate::mm::oom;
use crate::mm::{AddressSpace, Layout, ProgramImage};
use crate::syscall::{Call, Fd};
use crate::task::limits::Resource;
use abi::process::ADDR_NO_RANDOMIZE;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::addr::{PAGE_SIZE, UserAddr};
use machine::thread::CurrentThread;
use pure::script_line::{self, LINE_BYTES};
use pure::stack_image::{self, StackContents, StackImage, Strings};

/// Scripts that may name scripts as their interpreters, one in another.
const SCRIPT_DEPTH: usize = 5;
/// Room below the first stack bytes that is mapped from the start, as Linux has it.
const STACK_ROOM: usize = 128 * 1024 + PAGE_SIZE;

/// How often a program is built anew after memory ran out and some was found.
const BUILDS: usize = 8;

/// A program to start.
pub struct ExecRequest {
    /// The file, opened for execution.
    pub file: Arc<OpenFile>,
    /// How the caller names it: AT_EXECFN, the name of the task, what a script's interpreter is told.
    pub name: Vec<u8>,
    /// Whether that name will mean nothing to the new program (execveat of a descriptor that closes).
    pub is_name_lost: bool,
    /// Arguments.
    pub arguments: Strings,
    /// Environment.
    pub environment: Strings,
}

/// Prepares the program. An error leaves the caller as it was.
pub fn prepare(call: &mut Call<'_>, mut request: ExecRequest) -> Result<PreparedExec> {
    if request.arguments.count() == 0 {
        // LINUX: a program never sees an empty list; it gets one empty argument.
        request.arguments.push(b"")?;
    }
    let program = follow_scripts(call, &mut request)?;
    let mut outcome = build(call, &request, &program);
    for _ in 0..BUILDS {
        let is_out_of_memory = outcome.as_ref().is_err_and(|error| *error == LoadError::Refused(Errno::ENOMEM));
        if !is_out_of_memory || machine::mm::has_room_for_programs() || !oom::relieve(call.cx) {
            break;
        }
        outcome = build(call, &request, &program);
    }
    match outcome {
        Ok(prepared) => Ok(prepared),
        Err(LoadError::Refused(error)) => Err(error),
        Err(LoadError::Doomed) => {
            // LINUX: the caller is gone by then, and its new program dies of SIGSEGV: so does one that begins at an
            // address where nothing is mapped.
            let space = AddressSpace::new(layout(call, false))?;
            Ok(PreparedExec {
                space,
                entry: 0,
                stack_pointer: 0,
                name: request.name,
                credentials: None,
                is_secure: false,
                gaining: None,
            })
        }
    }
}

/// Where the parts of a program go. LINUX: who starts a program that acts for another does not decide about chance.
fn layout(call: &Call<'_>, is_secure: bool) -> Layout {
    let is_fixed = call.task.personality() & ADDR_NO_RANDOMIZE != 0 && !is_secure;
    Layout::choose(call.process().limit(Resource::Stack), is_fixed)
}

/// Goes from `#!` line to `#!` line until a file that is none, changing the arguments as each line says.
fn follow_scripts(call: &mut Call<'_>, request: &mut ExecRequest) -> Result<Program> {
    let mut program = Program::new(request.file.clone())?;
    let mut script = request.name.clone();
    for _ in 0..=SCRIPT_DEPTH {
        let mut start = [0; LINE_BYTES];
        program.read(call.cx, 0, &mut start)?;
        let Some(line) = script_line::parse(&start).map_err(|_| Errno::ENOEXEC)? else { return Ok(program) };
        if request.is_name_lost {
            return Err(Errno::ENOENT);
        }
        let with_argument = [line.interpreter, line.argument.unwrap_or_default(), &script];
        let without_argument = [line.interpreter, &script];
        let front: &[&[u8]] = if line.argument.is_some() { &with_argument } else { &without_argument };
        request.arguments = request.arguments.replace_front(1, front)?;
        let file = fs::open_for_exec(call, Fd::CWD, line.interpreter, 0)?;
        let mut interpreter = Vec::new();
        interpreter.try_reserve_exact(line.interpreter.len())?;
        interpreter.extend_from_slice(line.interpreter);
        script = interpreter;
        program = Program::new(file)?;
    }
    Err(Errno::ELOOP)
}

/// Builds the new address space with program, interpreter and stack.
fn build(
    call: &mut Call<'_>,
    request: &ExecRequest,
    program: &Program,
) -> core::result::Result<PreparedExec, LoadError> {
    let plan = program.plan(call.cx, Errno::ENOEXEC)?;
    let interpreter = match program.interpreter(call.cx, &plan)? {
        None => None,
        Some(path) => {
            let interpreter = Program::new(fs::open_for_exec(call, Fd::CWD, &path, 0)?)?;
            let plan = interpreter.plan(call.cx, Errno::ELIBBAD)?;
            Some((interpreter, plan))
        }
    };
    let old_credentials = call.task.credentials(call.cx);
    let after = credentials::after_exec(call, &program.file, &old_credentials)?;
    let new_credentials = after.changed.as_deref().unwrap_or(&old_credentials);
    let is_secure = after.is_secure;
    let layout = layout(call, is_secure);
    let space = AddressSpace::new(layout).map_err(Errno::from)?;
    if call.task.space(call.cx).is_some_and(|old| !old.may_have_blocks(call.cx)) {
        space.set_may_have_blocks(call.cx, false);
    }
    let placement = map_program(call.cx, &space, program, &plan, Some(layout.program_base))?;
    let loader = match &interpreter {
        None => None,
        Some((interpreter, plan)) => Some(map_program(call.cx, &space, interpreter, plan, None)?),
    };
    space.set_heap_start(call.cx, placement.end + layout.heap_gap);
    space.set_dumpable(after.is_own && program.may_be_read(call.cx, &old_credentials));
    let kernel_pages = vdso::map(call.cx, &space)?;

    let facts = Facts {
        program: &placement,
        header_count: usize::from(plan.header_count()),
        interpreter_base: loader.as_ref().map_or(0, |loader| loader.bias),
        credentials: new_credentials,
        is_secure,
        features: machine::cpu::user_features(),
        library: kernel_pages.library,
    };
    let stack_limit = call.process().limit(Resource::Stack);
    let stack = make_stack(call.cx, &space, request, &facts, plan.is_stack_executable, stack_limit)?;
    let mut auxiliary = Vec::new();
    auxiliary.try_reserve_exact(stack.auxiliary.len()).map_err(|_| Errno::ENOMEM)?;
    auxiliary.resize(stack.auxiliary.len(), 0);
    let vector = UserAddr(stack.auxiliary.start);
    space.read_memory(call.cx, vector, &mut auxiliary).map_err(|_| LoadError::Doomed)?;
    space.set_image(ProgramImage {
        executable: program.file.clone(),
        arguments: stack.arguments,
        environment: stack.environment,
        auxiliary: Arc::from(auxiliary),
        code: placement.code.clone(),
        stack_start: stack.stack_pointer,
        signal_return: kernel_pages.signal_return,
    });
    Ok(PreparedExec {
        space,
        entry: loader.as_ref().map_or(placement.entry, |loader| loader.entry),
        stack_pointer: stack.stack_pointer,
        name: request.name.clone(),
        credentials: after.changed,
        is_secure,
        gaining: after.gaining,
    })
}

/// Makes the stack with its first bytes.
fn make_stack(
    cx: &mut CurrentThread,
    space: &AddressSpace,
    request: &ExecRequest,
    facts: &Facts<'_>,
    is_executable: bool,
    limit: u64,
) -> core::result::Result<StackImage, LoadError> {
    let mut random = [0; 16];
    machine::random::fill(&mut random);
    let contents = StackContents {
        arguments: &request.arguments,
        environment: &request.environment,
        file_name: &request.name,
        platform: facts.features.platform.as_bytes(),
        random,
        auxiliary: &auxiliary::entries(facts),
    };
    let top = space.layout().stack_top;
    // The strings were bounded when they were read; this bounds what scripts have added, far below the top.
    if stack_image::bytes_needed(&contents) > top / 2 {
        return Err(Errno::E2BIG.into());
    }
    let image = StackImage::new(top, &contents);
    let area_bytes = stack_area_bytes(top - image.stack_pointer, limit);
    space.make_stack(cx, area_bytes, is_executable).map_err(|_| LoadError::Doomed)?;
    let mut last = None;
    image.write(&contents, |at, bytes| space.write_memory(cx, at, bytes, &mut last)).map_err(|_| LoadError::Doomed)?;
    Ok(image)
}

/// Bytes mapped for the stack from the start: what is on it and some room, within the limit.
fn stack_area_bytes(used: usize, limit: u64) -> usize {
    let used = used.next_multiple_of(PAGE_SIZE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX) & !(PAGE_SIZE - 1);
    used.saturating_add(STACK_ROOM).min(limit).max(used)
}
