//! Names: what is built in, the probe's arguments, variables.
use super::body::Body;
use super::expression::Type;
use crate::trace::source::{Mistake, mistake};
use pure::trace_program::{Instruction, Source};
use wire::trace::ArgumentKind;

/// Names that mean something everywhere.
pub(super) const BUILT_IN: &[&str] = &[
    "pid",
    "tid",
    "ppid",
    "uid",
    "cpu",
    "curcpu",
    "execname",
    "timestamp",
    "walltimestamp",
    "probefunc",
    "probename",
    "probeprov",
    "probemod",
];

impl Body<'_, '_> {
    pub(super) fn name(&mut self, at: usize, name: &str, to: u8) -> Result<Type, Mistake> {
        let mut load = |source, index, kind| {
            self.code.push(Instruction::Load { to, source, index });
            Ok(Type::Number(kind))
        };
        match name {
            "pid" => return load(Source::Pid, 0, ArgumentKind::Unsigned),
            "tid" => return load(Source::Tid, 0, ArgumentKind::Unsigned),
            "ppid" => return load(Source::ParentPid, 0, ArgumentKind::Unsigned),
            "uid" => return load(Source::Uid, 0, ArgumentKind::Unsigned),
            "cpu" | "curcpu" => return load(Source::Cpu, 0, ArgumentKind::Unsigned),
            "timestamp" => return load(Source::Timestamp, 0, ArgumentKind::Unsigned),
            "walltimestamp" => return load(Source::WallTimestamp, 0, ArgumentKind::Unsigned),
            "execname" => {
                let above = self.register(at, to + 1)?;
                self.code.push(Instruction::Load { to, source: Source::Name, index: 0 });
                self.code.push(Instruction::Load { to: above, source: Source::Name, index: 1 });
                return Ok(Type::Comm);
            }
            "probename" => return Ok(Type::Text(self.event.name().to_string())),
            "probeprov" => return Ok(Type::Text(self.event.provider().to_string())),
            "probemod" => return Ok(Type::Text(self.event.module().to_string())),
            "probefunc" if self.event.provider() == "syscall" => {
                self.code.push(Instruction::Load { to, source: Source::Argument, index: 0 });
                return Ok(Type::Call);
            }
            "probefunc" => match self.event.function() {
                None => return Ok(Type::Text(String::new())),
                // The probe's number stands for it, so that all functions share the code.
                Some(_) => {
                    self.code.push(Instruction::Load { to, source: Source::Probe, index: 0 });
                    return Ok(Type::Function);
                }
            },
            _ => {}
        }
        if let Some((index, kind)) = self.event.argument(name) {
            return load(Source::Argument, index, kind);
        }
        if let Some(variable) = self.of.globals.get(name) {
            return Ok(self.load(*variable, Source::Global, to));
        }
        let (probe, arguments) = (self.event.full_name(), self.event.argument_names());
        let has = if arguments.is_empty() { "no arguments".into() } else { format!("the arguments {arguments}") };
        mistake(at, format!("there is no variable called {name}, and {probe} has {has}"))
    }
}
