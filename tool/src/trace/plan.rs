//! What a compiled program is: the kernel's part of it, and what the tool must know to show what comes of it.
use super::functions::{Boundary, TracedFunction};
use super::kept::Kept;
use super::printf::Conversion;
use super::syntax::Handling;
use crate::observe::guest::{Guest, Probe};
use crate::profile::stacks::Frame;
use crate::symbols::Function;
use pure::trace_program::{Program, Shape};
use wire::observe::{FUNCTION, FUNCTION_LAST, KEPT, PROFILE};
use wire::trace::ArgumentKind;

/// A compiled program.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// For the kernel.
    pub(crate) program: Program,
    /// The intervals of its ticks, in nanoseconds.
    pub(crate) ticks: Vec<u64>,
    /// How often a second its profile probe fires.
    pub(crate) rate: Option<u32>,
    /// Its aggregations, in the order of the program's tables.
    pub(crate) tables: Vec<TableInfo>,
    /// Its outputs, by number.
    pub(crate) outputs: Vec<Output>,
    /// Functions with probes, in the order of the probes' numbers from [`FUNCTION`] on.
    pub(crate) functions: Vec<TracedFunction>,
    /// Texts that stand in records as numbers.
    texts: Vec<String>,
}

/// Texts are numbered from here on up to [`KEPT`]; system calls and probes of functions below.
const FIRST_TEXT: u64 = 1 << 32;

impl Plan {
    /// The program as the kernel gets it.
    pub(crate) fn image(&self) -> Vec<u8> {
        Program::encode(&self.program)
    }

    /// The word that stands for a text.
    pub(crate) fn text(&mut self, text: &str) -> i64 {
        let place = self.texts.iter().position(|other| other == text).unwrap_or(self.texts.len());
        if place == self.texts.len() {
            self.texts.push(text.to_string());
        }
        (FIRST_TEXT + place as u64).cast_signed()
    }

    /// The number of the probe at a function's entry or return; `None`: there are too many.
    pub(crate) fn function_number(&mut self, function: &TracedFunction, boundary: Boundary) -> Option<u16> {
        let function = TracedFunction { boundary, ..function.clone() };
        let place = self.functions.iter().position(|other| *other == function).unwrap_or(self.functions.len());
        let number = u16::try_from(place).ok()?.checked_add(FUNCTION).filter(|number| *number <= FUNCTION_LAST)?;
        if place == self.functions.len() {
            self.functions.push(function);
        }
        Some(number)
    }

    /// The function whose probe has this number.
    pub(crate) fn function(&self, number: u16) -> Option<&TracedFunction> {
        self.functions.get(usize::from(number.checked_sub(FUNCTION)?))
    }

    /// The function that a word of a name's column stands for.
    fn function_of(&self, word: u64) -> Option<&TracedFunction> {
        u16::try_from(word).ok().and_then(|number| self.function(number))
    }

    /// The first aggregation that has a stack in its key.
    pub(crate) fn stacks(&self) -> Option<u8> {
        let has_stack = |table: &TableInfo| table.columns.iter().any(|column| matches!(column, Column::Stack(_)));
        u8::try_from(self.tables.iter().position(has_stack)?).ok()
    }

    /// The text that a word stands for.
    fn text_of(&self, word: u64) -> Option<&str> {
        let place = usize::try_from(word.checked_sub(FIRST_TEXT)?).ok()?;
        self.texts.get(place).map(String::as_str)
    }
}

/// What a word or two in a key or an output are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// A number.
    Number(ArgumentKind),
    /// A system call, a function, or a text.
    Name,
    /// A text of the program's own, or one that is kept; zero: none.
    Text,
    /// A stack that is kept.
    Stack(Stack),
    /// A task's name: two words.
    Comm,
}

impl Column {
    /// Words it takes.
    pub(crate) fn width(self) -> usize {
        if self == Column::Comm { 2 } else { 1 }
    }
    /// Whether it is shown as text.
    pub(crate) fn is_text(self) -> bool {
        !matches!(self, Column::Number(_))
    }
    /// What it is if it is also `other` elsewhere; `None` if the two do not go together.
    pub(crate) fn with(self, other: &Column) -> Option<Column> {
        match (self, *other) {
            (same, other) if same == other => Some(same),
            (Column::Number(_), Column::Number(_)) => Some(Column::Number(ArgumentKind::Signed)),
            (Column::Name, Column::Text) | (Column::Text, Column::Name) => Some(Column::Name),
            _ => None,
        }
    }
    /// The text of its words.
    pub(crate) fn shown(self, meaning: &Meaning<'_>, words: &[u64]) -> String {
        let first = words.first().copied().unwrap_or(0);
        match self {
            Column::Number(kind) => super::show::shown(kind, first),
            Column::Text if first == 0 => String::new(),
            Column::Name | Column::Text => match (first.checked_sub(KEPT), meaning.plan.text_of(first)) {
                (Some(number), _) => meaning.kept.text(number),
                (None, Some(text)) => text.to_string(),
                (None, None) if meaning.plan.function_of(first).is_some() => {
                    meaning.plan.function_of(first).map_or_else(String::new, |function| function.name.clone())
                }
                (None, None) => meaning.guest.call(first).map_or_else(|| format!("call {first}"), str::to_string),
            },
            Column::Stack(stack) => {
                let frames = meaning.kept.frames(first.saturating_sub(KEPT), stack);
                frames.iter().map(|frame| format!("{STACK_INDENT}{}\n", shown_frame(frame))).collect()
            }
            Column::Comm => {
                let bytes: Vec<u8> = words.iter().take(2).flat_map(|word| word.to_le_bytes()).collect();
                let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                // The kernel's own threads have none.
                if name.is_empty() { "kernel".into() } else { String::from_utf8_lossy(name).into_owned() }
            }
        }
    }
}

/// What stands before each function of a stack.
const STACK_INDENT: &str = "              ";

/// A function of a stack, as DTrace's users know it: those of programs with their file.
fn shown_frame(frame: &Frame) -> String {
    let Function { name, file } = &frame.function;
    let base = file.rsplit('/').next().unwrap_or(file);
    if frame.is_kernel || base.is_empty() || name.starts_with('[') {
        return name.to_string();
    }
    format!("{base}`{name}")
}

/// Which stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The program's; else the kernel's.
    pub(crate) is_user: bool,
    /// How many functions of it are shown.
    pub(crate) frames: u16,
}

/// With what words are understood.
#[derive(Clone, Copy)]
pub(crate) struct Meaning<'a> {
    /// The program.
    pub(crate) plan: &'a Plan,
    /// The guest.
    pub(crate) guest: &'a Guest,
    /// What it kept.
    pub(crate) kept: &'a Kept,
}

/// An aggregation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableInfo {
    /// Its name, without the `@`; may be empty.
    pub(crate) name: String,
    /// What the kernel makes.
    pub(crate) shape: Shape,
    /// What its key is made of.
    pub(crate) columns: Vec<Column>,
}

/// What a record of the program's own stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Text and values.
    Said(Vec<Piece>),
    /// Something is done with an aggregation.
    Handled(Handle),
}

/// What is done with an aggregation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    /// What.
    pub(crate) what: Handling,
    /// The aggregation's name.
    pub(crate) name: String,
    /// `printa`'s format.
    pub(crate) format: Option<Vec<HandlePiece>>,
}

/// A piece of `printa`'s format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HandlePiece {
    /// As it is.
    Text(String),
    /// The next key.
    Key(Conversion),
    /// The value.
    Value(Conversion),
}

/// A piece of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it is.
    Text(String),
    /// The next value, by a conversion.
    Value(Conversion, Column),
}

impl Piece {
    /// A value as it is shown without a format.
    pub(crate) fn plain(column: Column) -> Piece {
        let letter = match column {
            Column::Number(ArgumentKind::Hex) => 'a',
            Column::Number(ArgumentKind::Unsigned | ArgumentKind::Bool) => 'u',
            Column::Number(ArgumentKind::Signed) => 'd',
            Column::Name | Column::Text | Column::Comm | Column::Stack(_) => 's',
        };
        Piece::Value(Conversion::of(letter), column)
    }
}

/// What a clause is run for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// A probe of the kernel.
    Kernel(&'a Probe),
    /// One of the program's own: its name and number.
    Own(&'static str, u16),
    /// The entry of a function or its return: which, what its probe tells, and its number.
    Function(&'a TracedFunction, Boundary, &'a [(String, ArgumentKind)], u16),
}

impl Event<'_> {
    /// Its number.
    pub(crate) fn number(&self) -> u16 {
        match self {
            Event::Kernel(probe) => probe.id,
            Event::Own(_, number) | Event::Function(.., number) => *number,
        }
    }
    /// The last part of its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Event::Kernel(probe) => &probe.name,
            Event::Own(name, _) => name,
            Event::Function(_, boundary, ..) => boundary.name(),
        }
    }
    /// The second part of its name.
    pub(crate) fn module(&self) -> &str {
        if let Event::Function(function, ..) = self { &function.module } else { "" }
    }
    /// The function, where one is the third part of its name.
    pub(crate) fn function(&self) -> Option<&str> {
        if let Event::Function(function, ..) = self { Some(&function.name) } else { None }
    }
    /// The first part of its name.
    pub(crate) fn provider(&self) -> &str {
        match self {
            Event::Kernel(probe) => &probe.provider,
            Event::Own(_, PROFILE) => "profile",
            Event::Own(..) => "dtrace",
            Event::Function(function, ..) => function.provider_name(),
        }
    }
    /// All of its name.
    pub(crate) fn full_name(&self) -> String {
        format!("{}:{}:{}:{}", self.provider(), self.module(), self.function().unwrap_or_default(), self.name())
    }
    fn arguments(&self) -> &[(String, ArgumentKind)] {
        match self {
            Event::Kernel(probe) => &probe.arguments,
            Event::Own(..) => &[],
            Event::Function(_, _, arguments, _) => arguments,
        }
    }
    /// The names of its arguments.
    pub(crate) fn argument_names(&self) -> String {
        self.arguments().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }
    /// Which word an argument is, by name or as `arg0`, `arg1`, ….
    pub(crate) fn argument(&self, name: &str) -> Option<(u8, ArgumentKind)> {
        if let Event::Own(_, PROFILE) = self {
            // The program counter of the kernel, or that of the program; the other one is zero.
            let place = ["arg0", "arg1"].iter().position(|own| *own == name)?;
            return Some((u8::try_from(place).ok()?, ArgumentKind::Hex));
        }
        let arguments = self.arguments();
        let place = match arguments.iter().position(|(own, _)| own == name) {
            Some(place) => place,
            None => {
                let number: usize = name.strip_prefix("arg").filter(|n| n.len() == 1)?.parse().ok()?;
                // As DTrace counts a system call's arguments and results.
                match (self.provider(), self.name()) {
                    ("syscall", "entry") => number + 1,
                    ("syscall", "return") if number < 2 => 1,
                    _ => number,
                }
            }
        };
        let (_, kind) = arguments.get(place)?;
        Some((u8::try_from(place).ok()?, *kind))
    }
}
