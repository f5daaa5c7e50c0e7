//! The words of the language as the parser understands them, before anything is known of the guest.
use pure::trace_program::Binary;

/// An expression, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expression {
    /// The byte of the text at which it begins; for operators, the operator's.
    pub(crate) at: usize,
    /// What it is.
    pub(crate) kind: ExpressionKind,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExpressionKind {
    /// A number.
    Number(i64),
    /// A text in quotes.
    Text(String),
    /// A name: of something built in, of the probe's argument, or of a variable.
    Name(String),
    /// `self->name`.
    Local(String),
    /// `this->name`.
    This(String),
    /// `function(arguments)`.
    Call(Function, Vec<Expression>),
    /// An operator before its operand.
    Unary(Unary, Box<Expression>),
    /// An operator between its operands.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `test ? yes : no`.
    Choice(Box<[Expression; 3]>),
}

/// Functions that give a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// `stack()`: the kernel's.
    KernelStack,
    /// `ustack()`: the program's.
    UserStack,
    /// `copyinstr()` and `str()`: a text in the program's memory.
    Text,
}

impl Function {
    /// By its name.
    pub(crate) fn by_name(name: &str) -> Option<Function> {
        Some(match name {
            "stack" => Function::KernelStack,
            "ustack" => Function::UserStack,
            "copyinstr" | "str" => Function::Text,
            _ => return None,
        })
    }
}

/// Whose variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The program's.
    Program,
    /// The thread's: `self->`.
    Thread,
    /// That of the clauses of one firing: `this->`.
    Clause,
}

/// What is done with a whole aggregation, by the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handling {
    /// `printa`
    Print,
    /// `clear`: values begin anew, keys stay.
    Clear,
    /// `trunc`: all keys, or all but the greatest few, are forgotten.
    Truncate,
    /// `normalize`: values are shown divided by a number.
    Normalize,
    /// `denormalize`
    Denormalize,
}

/// Operators of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    /// `-`
    Negate,
    /// `~`
    Invert,
    /// `!`
    Not,
}

/// Operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// One that the machine has.
    Plain(Binary),
    /// One that the machine has with its operands the other way round: `>` and `>=`.
    Swapped(Binary),
    /// `&&`
    Both,
    /// `||`
    Either,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// `@name[keys] = function(arguments)`.
    Aggregate {
        /// Where it stands.
        at: usize,
        /// May be empty.
        name: String,
        /// The key.
        keys: Vec<Expression>,
        /// Its place and name.
        function: (usize, String),
        /// What is given to it.
        arguments: Vec<Expression>,
    },
    /// A variable is set.
    Assign {
        /// Whose.
        scope: Scope,
        /// Its name.
        name: String,
        /// The value.
        value: Expression,
        /// Where it stands.
        at: usize,
    },
    /// `printf("format", values)`.
    Print {
        /// Where the format stands.
        at: usize,
        /// It.
        format: String,
        /// What is shown.
        values: Vec<Expression>,
    },
    /// `trace(value)`.
    Trace(Expression),
    /// `exit(status)`.
    Exit(Expression),
    /// `printa("format", @name)`, `clear(@name)` and the like.
    Handle {
        /// What is done.
        what: Handling,
        /// Where the aggregation's name stands, and it.
        name: (usize, String),
        /// Where `printa`'s format stands, and it.
        format: Option<(usize, String)>,
        /// How many keys stay, or by what values are divided.
        number: Option<Expression>,
    },
    /// `if (test) { … } else { … }`.
    If {
        /// The test.
        test: Expression,
        /// If it is not zero.
        then: Vec<Statement>,
        /// If it is.
        otherwise: Vec<Statement>,
    },
}

/// Probes, a predicate, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// Patterns of probes, each with its place.
    pub(crate) probes: Vec<(usize, String)>,
    /// Only if this is not zero.
    pub(crate) predicate: Option<Expression>,
    /// `None`: the probe is recorded.
    pub(crate) actions: Option<Vec<Statement>>,
}
