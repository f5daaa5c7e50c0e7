//! Expressions: C's operators and their precedence.
use super::cursor::Parser;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Expression, ExpressionKind, Function, Operator, Unary};
use pure::trace_program::Binary;

/// How deep expressions may be nested.
pub(super) const DEPTH: usize = 64;
/// How many operators a statement or predicate may have.
const OPERATORS: usize = 500;

/// The operators of two operands, those that bind least first; longer ones of a level before shorter ones.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("||", Operator::Either)],
    &[("&&", Operator::Both)],
    &[("|", Operator::Plain(Binary::Or))],
    &[("^", Operator::Plain(Binary::Xor))],
    &[("&", Operator::Plain(Binary::And))],
    &[("==", Operator::Plain(Binary::Equal)), ("!=", Operator::Plain(Binary::NotEqual))],
    &[
        ("<=", Operator::Plain(Binary::LessOrEqual)),
        (">=", Operator::Swapped(Binary::LessOrEqual)),
        ("<", Operator::Plain(Binary::Less)),
        (">", Operator::Swapped(Binary::Less)),
    ],
    &[("<<", Operator::Plain(Binary::ShiftLeft)), (">>", Operator::Plain(Binary::ShiftRight))],
    &[("+", Operator::Plain(Binary::Add)), ("-", Operator::Plain(Binary::Subtract))],
    &[
        ("*", Operator::Plain(Binary::Multiply)),
        ("/", Operator::Plain(Binary::Divide)),
        ("%", Operator::Plain(Binary::Remainder)),
    ],
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expression, Mistake> {
        self.depth += 1;
        if self.depth > DEPTH {
            return mistake(self.at, "this is nested too deep");
        }
        let test = self.binary(0)?;
        let at = self.at;
        let result = if self.takes("?")? {
            let yes = self.expression()?;
            self.needs(":", "a choice")?;
            let no = self.expression()?;
            Expression { at, kind: ExpressionKind::Choice(Box::new([test, yes, no])) }
        } else {
            test
        };
        self.depth -= 1;
        Ok(result)
    }

    /// Operators of a level and those that bind more.
    pub(super) fn binary(&mut self, level: usize) -> Result<Expression, Mistake> {
        let Some(operators) = LEVELS.get(level) else { return self.operand() };
        let mut left = self.binary(level + 1)?;
        'operators: loop {
            if self.is_in_predicate && self.is_end_of_predicate()? {
                return Ok(left);
            }
            for (sign, operator) in *operators {
                let at = self.at;
                if self.takes(sign)? {
                    self.operators += 1;
                    if self.operators > OPERATORS {
                        return mistake(at, "there are too many operators here");
                    }
                    let right = self.binary(level + 1)?;
                    left = Expression { at, kind: ExpressionKind::Binary(*operator, Box::new(left), Box::new(right)) };
                    continue 'operators;
                }
            }
            return Ok(left);
        }
    }

    /// Whether the `/` that stands here ends the predicate: what follows is no operand.
    pub(super) fn is_end_of_predicate(&mut self) -> Result<bool, Mistake> {
        let Some(after) = self.rest().strip_prefix('/') else { return Ok(false) };
        let after = after.trim_start();
        Ok(after.is_empty() || after.starts_with(['{', ';']))
    }

    pub(super) fn operand(&mut self) -> Result<Expression, Mistake> {
        let at = self.at;
        let is_one = |kind| Ok(Expression { at, kind });
        for (sign, operator) in [("-", Unary::Negate), ("~", Unary::Invert), ("!", Unary::Not)] {
            if self.takes(sign)? {
                self.depth += 1;
                if self.depth > DEPTH {
                    return mistake(at, "this is nested too deep");
                }
                let operand = self.operand()?;
                self.depth -= 1;
                return is_one(ExpressionKind::Unary(operator, Box::new(operand)));
            }
        }
        if self.takes("(")? {
            let was_in_predicate = std::mem::take(&mut self.is_in_predicate);
            let inner = self.expression()?;
            self.is_in_predicate = was_in_predicate;
            self.needs(")", "parentheses")?;
            return Ok(inner);
        }
        if let Some(text) = self.quoted()? {
            return is_one(ExpressionKind::Text(text));
        }
        if let Some(number) = self.number()? {
            return is_one(ExpressionKind::Number(number));
        }
        let Some(name) = self.name()? else { return mistake(at, "a value is missing here") };
        match name {
            "self" | "this" => {
                self.needs("->", name)?;
                let Some(variable) = self.name()? else {
                    return mistake(self.at, "the variable's name is missing here");
                };
                let variable = variable.to_string();
                is_one(if name == "self" { ExpressionKind::Local(variable) } else { ExpressionKind::This(variable) })
            }
            "args" => {
                self.needs("[", "args")?;
                let Some(number) = self.number()? else { return mistake(self.at, "a number is missing here") };
                self.needs("]", "args")?;
                is_one(ExpressionKind::Name(format!("arg{number}")))
            }
            _ if self.rest().starts_with('(') => match Function::by_name(name) {
                Some(function) => {
                    self.takes("(")?;
                    self.call(at, name, function)
                }
                None => mistake(at, format!("there is no function called {name} that gives a value")),
            },
            _ => is_one(ExpressionKind::Name(name.to_string())),
        }
    }

    /// The arguments of a function, after the parenthesis.
    pub(super) fn call(&mut self, at: usize, name: &str, function: Function) -> Result<Expression, Mistake> {
        let was_in_predicate = std::mem::take(&mut self.is_in_predicate);
        let arguments = self.arguments(name)?;
        self.is_in_predicate = was_in_predicate;
        Ok(Expression { at, kind: ExpressionKind::Call(function, arguments) })
    }

    /// Expressions with commas between, up to the parenthesis that closes.
    pub(super) fn arguments(&mut self, of: &str) -> Result<Vec<Expression>, Mistake> {
        let mut arguments = Vec::new();
        if !self.takes(")")? {
            loop {
                arguments.push(self.expression()?);
                if !self.takes(",")? {
                    break;
                }
            }
            self.needs(")", of)?;
        }
        Ok(arguments)
    }
}
