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
    /// An operator before its operand.
    Unary(Unary, Box<Expression>),
    /// An operator between its operands.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `test ? yes : no`.
    Choice(Box<[Expression; 3]>),
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
        /// Whether it is the thread's own (`self->`).
        is_local: bool,
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
