//! From clauses to the program that the kernel runs, once the guest has told its probes.
//!
//! A clause is compiled for each of its probes by itself: what `arg0`, `probename` or an argument's name means differs. Probes for which the
//! same comes out share it. Registers are a stack: an expression's value goes where its caller says, what it needs meanwhile above.
//!
//! For system calls, arguments are counted as DTrace's users know it: at `entry` arg0 is the call's first argument, at `return` arg0 and arg1 are the
//! result; `probefunc` is the call's name. Every argument also has a name.
use super::plan::{Column, Event, Output, Piece, Plan, TableInfo};
use super::printf;
use super::source::{Mistake, mistake};
use super::syntax::{Clause, Expression, ExpressionKind, Operator, Statement, Unary};
use crate::observe::guest::{Guest, Probe};
use pure::trace_program::{self as machine, Aggregate, Instruction, Program, REGISTERS, Shape, Source};
use std::collections::HashMap;
use wire::observe::{BEGIN, END, OUTPUT, OUTPUT_LAST, TICK};
use wire::trace::ArgumentKind;

/// What an expression's value is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    /// A number, shown so.
    Number(ArgumentKind),
    /// A text known now; nothing is in the register.
    Text(String),
    /// A task's name: two registers.
    Comm,
    /// A system call's number, which stands for its name.
    Call,
}

/// Compiles a program's clauses.
pub(crate) fn compile(clauses: &[Clause], guest: &Guest) -> Result<Plan, Mistake> {
    let mut compiler = Compiler { guest, plan: Plan::default(), globals: HashMap::new(), locals: HashMap::new() };
    for statement in clauses.iter().filter_map(|clause| clause.actions.as_ref()).flatten() {
        compiler.declare(statement)?;
    }
    for clause in clauses {
        compiler.clause(clause)?;
    }
    Ok(compiler.plan)
}

struct Compiler<'a> {
    guest: &'a Guest,
    plan: Plan,
    globals: HashMap<String, u8>,
    locals: HashMap<String, u8>,
}

/// An event that a pattern means, and which system calls alone, if it says so.
type Meant<'b> = (Event<'b>, Option<Vec<u64>>);

/// One clause, for one probe.
struct Body<'a, 'b> {
    of: &'b mut Compiler<'a>,
    event: Event<'b>,
    code: Vec<Instruction>,
}

impl Compiler<'_> {
    /// Gives a variable that is set somewhere its place.
    fn declare(&mut self, statement: &Statement) -> Result<(), Mistake> {
        let Statement::Assign { is_local, name, at, .. } = statement else { return Ok(()) };
        let (variables, most) = match is_local {
            true => (&mut self.locals, machine::MAX_LOCALS),
            false => (&mut self.globals, machine::MAX_GLOBALS),
        };
        if !is_local && BUILT_IN.contains(&name.as_str()) {
            return mistake(*at, format!("{name} cannot be set"));
        }
        let number = variables.len();
        if !variables.contains_key(name) {
            let number = u8::try_from(number).ok().filter(|number| *number < most);
            let Some(number) = number else { return mistake(*at, format!("there can be {most} variables of a kind")) };
            variables.insert(name.clone(), number);
        }
        Ok(())
    }

    fn clause(&mut self, clause: &Clause) -> Result<(), Mistake> {
        // What came out, and for which probes.
        let mut bodies: Vec<machine::Clause> = Vec::new();
        for (at, pattern) in &clause.probes {
            let guest = self.guest;
            for (event, calls) in self.events(*at, pattern, guest)? {
                let number = event.number();
                let mut body = Body { of: self, event, code: Vec::new() };
                body.compile(clause, *at, calls.as_deref())?;
                let code = body.code;
                if code.len() > machine::MAX_INSTRUCTIONS {
                    return mistake(*at, "this clause is too long for the kernel");
                }
                match bodies.iter_mut().find(|body| body.instructions == code) {
                    Some(body) if body.probes.contains(&number) => {}
                    Some(body) => body.probes.push(number),
                    None => bodies.push(machine::Clause { probes: vec![number], instructions: code }),
                }
            }
        }
        self.plan.program.clauses.extend(bodies);
        Ok(())
    }

    /// What a pattern means; for each event, which system calls alone, if it says so.
    fn events<'b>(&mut self, at: usize, pattern: &str, guest: &'b Guest) -> Result<Vec<Meant<'b>>, Mistake> {
        match pattern {
            "BEGIN" => return Ok(vec![(Event::Own("BEGIN", BEGIN), None)]),
            "END" => return Ok(vec![(Event::Own("END", END), None)]),
            _ => {}
        }
        if let Some(interval) = pattern.strip_prefix("tick-") {
            let Some(ns) = interval_ns(interval) else {
                return mistake(at, "a tick is tick-NUMBER and ns, us, ms, s or m, or hz; no shorter than 10 ms");
            };
            let number = self.plan.ticks.iter().position(|other| *other == ns).unwrap_or(self.plan.ticks.len());
            if number == self.plan.ticks.len() {
                self.plan.ticks.push(ns);
            }
            let number = u16::try_from(number).ok().filter(|number| *number < 16);
            let Some(number) = number else { return mistake(at, "there can be 16 different ticks") };
            return Ok(vec![(Event::Own("tick", TICK + number), None)]);
        }
        if pattern.starts_with("profile-") {
            return mistake(at, "there are no profile probes: tick-10ms fires on one CPU, ochre profile samples all");
        }
        let mut found = Vec::new();
        let (mut knows_call, mut names_call) = (false, false);
        for probe in guest.probes() {
            let Some(function) = match_probe(pattern, probe) else { continue };
            if function.is_empty() {
                found.push((Event::Kernel(probe), None));
                continue;
            }
            if probe.provider != "syscall" {
                continue;
            }
            names_call = true;
            let calls: Vec<u64> = (0..u16::MAX.into())
                .take(1024)
                .filter(|number| guest.call(*number).is_some_and(|name| matches_glob(function, name)))
                .collect();
            knows_call |= !calls.is_empty();
            if !calls.is_empty() {
                found.push((Event::Kernel(probe), Some(calls)));
            }
        }
        match found.is_empty() {
            true if names_call && !knows_call => mistake(at, "no system call of this architecture is called so"),
            true => mistake(at, format!("no probe is called {pattern} (/proc/trace/events lists them)")),
            false => Ok(found),
        }
    }
}

/// Whether a pattern means a probe; if so, the pattern of the function, which may be empty.
fn match_probe<'p>(pattern: &'p str, probe: &Probe) -> Option<&'p str> {
    let is_part = |part: &str, text: &str| part.is_empty() || matches_glob(part, text);
    if !pattern.contains(':') {
        return matches_glob(pattern, &probe.provider).then_some("");
    }
    let mut parts = pattern.rsplitn(4, ':');
    let (name, function) = (parts.next()?, parts.next().unwrap_or_default());
    let (module, provider) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_meant = is_part(name, &probe.name) && is_part(module, "") && is_part(provider, &probe.provider);
    let function = if function == "*" { "" } else { function };
    is_meant.then_some(function)
}

fn matches_glob(pattern: &str, text: &str) -> bool {
    pure::glob::matches(pattern.as_bytes(), text.as_bytes())
}

fn interval_ns(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?.max(1));
    let number: u64 = number.parse().ok()?;
    let ns = match unit {
        "ns" | "nsec" => Some(number),
        "us" | "usec" => number.checked_mul(1_000),
        "ms" | "msec" => number.checked_mul(1_000_000),
        "s" | "sec" => number.checked_mul(1_000_000_000),
        "m" | "min" => number.checked_mul(60_000_000_000),
        "hz" => 1_000_000_000u64.checked_div(number),
        _ => None,
    }?;
    (ns >= 10_000_000).then_some(ns)
}

/// Names that mean something everywhere.
const BUILT_IN: &[&str] = &[
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
    fn compile(&mut self, clause: &Clause, at: usize, calls: Option<&[u64]>) -> Result<(), Mistake> {
        let mut ends = Vec::new();
        if let Some(calls) = calls {
            // The number is none of them: r0 = (n == a) | (n == b) | …
            self.code.push(Instruction::Load { to: 1, source: Source::Argument, index: 0 });
            self.code.push(Instruction::Constant { to: 0, value: 0 });
            for call in calls {
                self.constant(2, call.cast_signed());
                self.binary(machine::Binary::Equal, 2, 1, 2);
                self.binary(machine::Binary::Or, 0, 0, 2);
            }
            ends.push(self.jump_if_zero(0));
        }
        if let Some(predicate) = &clause.predicate {
            self.number(predicate, 0)?;
            ends.push(self.jump_if_zero(0));
        }
        match &clause.actions {
            None if matches!(self.event, Event::Own(..)) => {
                return mistake(at, "this probe has nothing to record: say { what to do }");
            }
            None => self.code.push(Instruction::Record),
            Some(statements) => statements.iter().try_for_each(|statement| self.statement(statement))?,
        }
        for end in ends {
            self.arrive(end, at)?;
        }
        Ok(())
    }

    fn constant(&mut self, to: u8, value: i64) {
        // CAST: the low half, with its sign; the high half follows unless that is what the sign made.
        let low = value as i32;
        self.code.push(Instruction::Constant { to, value: low });
        if i64::from(low) != value {
            self.code.push(Instruction::High { to, value: (value >> 32) as u32 });
        }
    }

    fn binary(&mut self, operation: machine::Binary, to: u8, left: u8, right: u8) {
        self.code.push(Instruction::Binary { operation, to, left, right });
    }

    fn unary(&mut self, operation: machine::Unary, to: u8) {
        self.code.push(Instruction::Unary { operation, to, from: to });
    }

    /// A jump whose distance is not known yet: its place.
    fn jump_if_zero(&mut self, test: u8) -> usize {
        self.code.push(Instruction::JumpIfZero { test, distance: 0 });
        self.code.len() - 1
    }

    /// Lets the jump at `place` arrive here.
    fn arrive(&mut self, place: usize, at: usize) -> Result<(), Mistake> {
        let Ok(to) = u16::try_from(self.code.len() - place - 1) else { return mistake(at, "this is too long") };
        match self.code.get_mut(place) {
            Some(Instruction::JumpIfZero { distance, .. } | Instruction::Jump { distance }) => *distance = to,
            _ => unreachable!("a jump was left there"),
        }
        Ok(())
    }

    fn register(&self, at: usize, register: u8) -> Result<u8, Mistake> {
        if register < REGISTERS {
            Ok(register)
        } else {
            mistake(at, "this needs more registers than there are: make it simpler")
        }
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Mistake> {
        match statement {
            Statement::Aggregate { at, name, keys, function, arguments } => {
                self.aggregate(*at, name, keys, function, arguments)
            }
            Statement::Assign { is_local, name, value, .. } => {
                self.number(value, 0)?;
                let variables = if *is_local { &self.of.locals } else { &self.of.globals };
                // Every variable that is set was declared.
                let index = variables.get(name).copied().unwrap_or(0);
                self.code.push(match is_local {
                    true => Instruction::StoreLocal { index, from: 0 },
                    false => Instruction::StoreGlobal { index, from: 0 },
                });
                Ok(())
            }
            Statement::Print { at, format, values } => self.print(*at, format, values),
            Statement::Trace(value) => {
                let (columns, count) = self.words(std::slice::from_ref(value), 7)?;
                let mut pieces: Vec<Piece> = columns.into_iter().map(Piece::plain).collect();
                pieces.push(Piece::Text("\n".into()));
                self.emit(value.at, Output { pieces }, count)
            }
            Statement::Exit(value) => {
                self.number(value, 0)?;
                self.code.push(Instruction::Exit { status: 0 });
                Ok(())
            }
        }
    }

    fn print(&mut self, at: usize, format: &str, values: &[Expression]) -> Result<(), Mistake> {
        let parts = printf::parse(format).map_err(|(offset, message)| Mistake { at: at + 1 + offset, message })?;
        let wanted = parts.iter().filter(|part| matches!(part, printf::Part::Value(..))).count();
        if wanted != values.len() {
            return mistake(at, format!("the format has {wanted} values, but {} are given", values.len()));
        }
        let (columns, count) = self.words(values, 7)?;
        let mut columns = columns.into_iter().zip(values);
        let mut pieces = Vec::new();
        for part in parts {
            pieces.push(match part {
                printf::Part::Text(text) => Piece::Text(text),
                printf::Part::Value(conversion) => {
                    let Some((column, value)) = columns.next() else { unreachable!("as many as there are values") };
                    if conversion.is_text() != column.is_text() {
                        let what =
                            if column.is_text() { "text: its conversion is %s" } else { "a number: %s is for text" };
                        return mistake(value.at, format!("this is {what}"));
                    }
                    Piece::Value(conversion, column)
                }
            });
        }
        self.emit(at, Output { pieces }, count)
    }

    fn emit(&mut self, at: usize, output: Output, count: u8) -> Result<(), Mistake> {
        let outputs = &mut self.of.plan.outputs;
        let number = outputs.iter().position(|other| *other == output).unwrap_or(outputs.len());
        if number == outputs.len() {
            outputs.push(output);
        }
        let number = u16::try_from(number).ok().filter(|number| *number <= OUTPUT_LAST - OUTPUT);
        let Some(output) = number else { return mistake(at, "there are too many different outputs") };
        self.code.push(Instruction::Emit { output, first: 0, count });
        Ok(())
    }

    fn aggregate(
        &mut self,
        at: usize,
        name: &str,
        keys: &[Expression],
        function: &(usize, String),
        arguments: &[Expression],
    ) -> Result<(), Mistake> {
        let (aggregate, wanted) = match function.1.as_str() {
            "count" => (Aggregate::Count, 0..=0),
            "sum" => (Aggregate::Sum, 1..=1),
            "min" => (Aggregate::Min, 1..=1),
            "max" => (Aggregate::Max, 1..=1),
            "avg" => (Aggregate::Average, 1..=1),
            "quantize" => (Aggregate::Quantize, 1..=1),
            "lquantize" => (Aggregate::LinearQuantize, 3..=4),
            other => return mistake(function.0, format!("there is no aggregating function called {other}")),
        };
        if !wanted.contains(&arguments.len()) {
            let wanted = if wanted.start() == wanted.end() { wanted.end().to_string() } else { "3 or 4".into() };
            return mistake(function.0, format!("{} takes {wanted} values, not {}", function.1, arguments.len()));
        }
        let (low, step, levels) = match arguments {
            [_, low, high, step @ ..] => linear(low, high, step.first())?,
            _ => (0, 1, 1),
        };
        let (columns, count) = self.words(keys, 8)?;
        let value = self.register(at, count)?;
        match arguments.first() {
            Some(argument) => self.number(argument, value)?,
            None => self.constant(value, 1),
        }
        let shape = Shape { aggregate, key_words: count, low, step, levels };
        let table = self.table(at, TableInfo { name: name.to_string(), shape, columns })?;
        self.code.push(Instruction::Aggregate { table, key: 0, value });
        Ok(())
    }

    /// The table of an aggregation, which must be the same wherever it stands.
    fn table(&mut self, at: usize, info: TableInfo) -> Result<u8, Mistake> {
        let plan = &mut self.of.plan;
        if let Some(number) = plan.tables.iter().position(|table| table.name == info.name) {
            let known = &mut plan.tables[number];
            if known.shape != info.shape {
                return mistake(at, format!("@{} is another aggregation elsewhere", info.name));
            }
            for (known, new) in known.columns.iter_mut().zip(&info.columns) {
                match known.with(new) {
                    Some(both) => *known = both,
                    None => return mistake(at, format!("the keys of @{} are of other kinds elsewhere", info.name)),
                }
            }
            // CAST: below MAX_TABLES.
            return Ok(number as u8);
        }
        if plan.tables.len() == machine::MAX_TABLES {
            return mistake(at, format!("there can be {} aggregations", machine::MAX_TABLES));
        }
        plan.program.tables.push(info.shape);
        plan.tables.push(info);
        // CAST: as above.
        Ok(plan.tables.len() as u8 - 1)
    }

    /// Puts values one after another into the registers from the first on; answers what they are and how many registers they take.
    fn words(&mut self, values: &[Expression], most: u8) -> Result<(Vec<Column>, u8), Mistake> {
        let (mut columns, mut used) = (Vec::new(), 0);
        for value in values {
            let kind = self.expression(value, self.register(value.at, used)?)?;
            let (column, width) = match kind {
                Type::Number(kind) => (Column::Number(kind), 1),
                Type::Comm => (Column::Comm, 2),
                Type::Call => (Column::Name, 1),
                Type::Text(text) => {
                    let word = self.of.plan.text(&text);
                    self.constant(used, word);
                    (Column::Name, 1)
                }
            };
            used += width;
            if used > most {
                return mistake(value.at, format!("at most {most} words fit (execname takes two)"));
            }
            columns.push(column);
        }
        Ok((columns, used))
    }

    /// A number into a register.
    fn number(&mut self, expression: &Expression, to: u8) -> Result<(), Mistake> {
        match self.expression(expression, self.register(expression.at, to)?)? {
            Type::Number(_) => Ok(()),
            Type::Text(_) | Type::Comm | Type::Call => mistake(expression.at, "a number is wanted here, this is text"),
        }
    }

    fn expression(&mut self, expression: &Expression, to: u8) -> Result<Type, Mistake> {
        let at = expression.at;
        const NUMBER: Type = Type::Number(ArgumentKind::Signed);
        match &expression.kind {
            ExpressionKind::Number(value) => {
                self.constant(to, *value);
                Ok(NUMBER)
            }
            ExpressionKind::Text(text) => Ok(Type::Text(text.clone())),
            ExpressionKind::Name(name) => self.name(at, name, to),
            ExpressionKind::Local(name) => match self.of.locals.get(name) {
                Some(index) => {
                    self.code.push(Instruction::Load { to, source: Source::Local, index: *index });
                    Ok(NUMBER)
                }
                None => mistake(at, format!("self->{name} is never set")),
            },
            ExpressionKind::Unary(operator, operand) => {
                self.number(operand, to)?;
                self.unary(
                    match operator {
                        Unary::Negate => machine::Unary::Negate,
                        Unary::Invert => machine::Unary::Invert,
                        Unary::Not => machine::Unary::Not,
                    },
                    to,
                );
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Both, left, right) => {
                self.number(left, to)?;
                let end = self.jump_if_zero(to);
                self.number(right, to)?;
                self.arrive(end, at)?;
                self.truth(to);
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Either, left, right) => {
                self.number(left, to)?;
                let right_place = self.jump_if_zero(to);
                self.code.push(Instruction::Jump { distance: 0 });
                let end = self.code.len() - 1;
                self.arrive(right_place, at)?;
                self.number(right, to)?;
                self.arrive(end, at)?;
                self.truth(to);
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Plain(operation), left, right) => {
                if matches!(operation, machine::Binary::Equal | machine::Binary::NotEqual) {
                    self.compare(at, *operation, left, right, to)?;
                    return Ok(NUMBER);
                }
                self.operands(at, left, right, to)?;
                self.binary(*operation, to, to, to + 1);
                Ok(NUMBER)
            }
            ExpressionKind::Binary(Operator::Swapped(operation), left, right) => {
                self.operands(at, left, right, to)?;
                self.binary(*operation, to, to + 1, to);
                Ok(NUMBER)
            }
            ExpressionKind::Choice(parts) => {
                let [test, yes, no] = &**parts;
                self.number(test, to)?;
                let otherwise = self.jump_if_zero(to);
                self.number(yes, to)?;
                self.code.push(Instruction::Jump { distance: 0 });
                let end = self.code.len() - 1;
                self.arrive(otherwise, at)?;
                self.number(no, to)?;
                self.arrive(end, at)?;
                Ok(NUMBER)
            }
        }
    }

    fn operands(&mut self, at: usize, left: &Expression, right: &Expression, to: u8) -> Result<(), Mistake> {
        self.number(left, to)?;
        let above = self.register(at, to + 1)?;
        self.number(right, above)
    }

    /// Makes a number 0 or 1.
    fn truth(&mut self, register: u8) {
        self.unary(machine::Unary::Not, register);
        self.unary(machine::Unary::Not, register);
    }

    /// Compares two numbers or two texts.
    fn compare(
        &mut self,
        at: usize,
        operation: machine::Binary,
        left: &Expression,
        right: &Expression,
        to: u8,
    ) -> Result<(), Mistake> {
        let start = self.code.len();
        let left_type = self.expression(left, to)?;
        if matches!(left_type, Type::Number(_)) {
            let above = self.register(at, to + 1)?;
            self.number(right, above)?;
            self.binary(operation, to, to, above);
            return Ok(());
        }
        let above = self.register(at, to + 2)?;
        let right_type = self.expression(right, above)?;
        let is_equal = operation == machine::Binary::Equal;
        match (left_type, right_type) {
            (Type::Text(left), Type::Text(right)) => {
                self.code.truncate(start);
                self.constant(to, i64::from((left == right) == is_equal));
            }
            (Type::Comm, Type::Text(text)) => self.compare_comm(at, &text, to)?,
            (Type::Text(text), Type::Comm) => {
                self.code.truncate(start);
                self.expression(right, to)?;
                self.compare_comm(at, &text, to)?;
            }
            (Type::Call, Type::Text(text)) => self.compare_call(right.at, &text, to)?,
            (Type::Text(text), Type::Call) => {
                self.code.truncate(start);
                self.expression(right, to)?;
                self.compare_call(left.at, &text, to)?;
            }
            (_, Type::Number(_)) => return mistake(right.at, "a text cannot be compared with a number"),
            _ => return mistake(at, "these texts cannot be compared"),
        }
        if !is_equal && !matches!(self.code[start..], [Instruction::Constant { .. }]) {
            self.unary(machine::Unary::Not, to);
        }
        Ok(())
    }

    /// The name in two registers against a text: 1 or 0.
    fn compare_comm(&mut self, at: usize, text: &str, to: u8) -> Result<(), Mistake> {
        let mut name = [0; 16];
        match name[..15].get_mut(..text.len()) {
            Some(place) => place.copy_from_slice(text.as_bytes()),
            None => return mistake(at, "names of programs are cut at 15 bytes: this can never be equal"),
        }
        let constant = self.register(at, to + 2)?;
        for (half, register) in name.as_chunks::<8>().0.iter().zip([to, to + 1]) {
            self.constant(constant, i64::from_le_bytes(*half));
            self.binary(machine::Binary::Equal, register, register, constant);
        }
        self.binary(machine::Binary::And, to, to, to + 1);
        Ok(())
    }

    fn compare_call(&mut self, at: usize, text: &str, to: u8) -> Result<(), Mistake> {
        let guest = self.of.guest;
        let Some(number) = (0..1024).find(|number| guest.call(*number) == Some(text)) else {
            return mistake(at, format!("this architecture has no system call {text}"));
        };
        let constant = self.register(at, to + 1)?;
        self.constant(constant, number.cast_signed());
        self.binary(machine::Binary::Equal, to, to, constant);
        Ok(())
    }

    fn name(&mut self, at: usize, name: &str, to: u8) -> Result<Type, Mistake> {
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
            "probemod" => return Ok(Type::Text(String::new())),
            "probefunc" if self.event.provider() == "syscall" => {
                self.code.push(Instruction::Load { to, source: Source::Argument, index: 0 });
                return Ok(Type::Call);
            }
            "probefunc" => return Ok(Type::Text(String::new())),
            _ => {}
        }
        if let Some((index, kind)) = self.event.argument(name) {
            return load(Source::Argument, index, kind);
        }
        if let Some(index) = self.of.globals.get(name) {
            self.code.push(Instruction::Load { to, source: Source::Global, index: *index });
            return Ok(Type::Number(ArgumentKind::Signed));
        }
        let (probe, arguments) = (self.event.full_name(), self.event.argument_names());
        let has = if arguments.is_empty() { "no arguments".into() } else { format!("the arguments {arguments}") };
        mistake(at, format!("there is no variable called {name}, and {probe} has {has}"))
    }
}

/// The bounds of a linear distribution: low, step, levels.
fn linear(low: &Expression, high: &Expression, step: Option<&Expression>) -> Result<(i64, i64, u16), Mistake> {
    let constant = |expression: &Expression| match &expression.kind {
        ExpressionKind::Number(number) => Ok(*number),
        ExpressionKind::Unary(Unary::Negate, inner) => match inner.kind {
            ExpressionKind::Number(number) => Ok(number.wrapping_neg()),
            _ => mistake(expression.at, "a number is wanted here"),
        },
        _ => mistake(expression.at, "a number is wanted here"),
    };
    let (from, to) = (constant(low)?, constant(high)?);
    let by = step.map_or(Ok(1), constant)?;
    let levels = to.checked_sub(from).filter(|range| *range > 0 && by > 0).map(|range| range / by);
    match levels.and_then(|levels| u16::try_from(levels).ok()).filter(|levels| (1..=254).contains(levels)) {
        Some(levels) => Ok((from, by, levels)),
        None => mistake(high.at, "a linear distribution goes from low to a higher bound in 1 to 254 steps"),
    }
}

impl Plan {
    /// The program as the kernel gets it.
    pub(crate) fn image(&self) -> Vec<u8> {
        Program::encode(&self.program)
    }
}
