//! From text to clauses. The language is the part of D that DTrace's users know best:
//!
//! ```text
//! clause     = probes [ "/" expression "/" ] [ "{" statements "}" ] [ ";" ]
//! probes     = pattern { "," pattern }                     provider:module:function:name, with * and ?; BEGIN; END; tick-1s
//! statement  = "@" [ name ] [ "[" expressions "]" ] "=" function "(" [ expressions ] ")"
//!            | [ "self" "->" ] name ( "=" | "+=" | "-=" | "++" | "--" ) [ expression ]
//!            | "printf" "(" text { "," expression } ")" | "trace" "(" expression ")" | "exit" "(" expression ")"
//! ```
//!
//! Expressions have C's operators and their precedence. A clause without braces records its probes; it ends its text, or a `;` ends it.
//! Comments are C's. What is nested deeper than [`DEPTH`] is refused.
use super::source::{Mistake, mistake};
use super::syntax::{Clause, Expression, ExpressionKind, Operator, Statement, Unary};
use pure::trace_program::Binary;

/// How deep expressions may be nested.
const DEPTH: usize = 64;
/// How many operators a statement or predicate may have.
const OPERATORS: usize = 500;
/// Longest program.
const MAX_TEXT: usize = 64 * 1024;

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

/// All operators and other signs that begin with a shorter operator and are not that operator.
const LONGER: &[&str] = &["||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "->", "++", "--", "+=", "-="];

/// Reads a program.
pub(crate) fn parse(text: &str) -> Result<Vec<Clause>, Mistake> {
    if text.len() > MAX_TEXT {
        return mistake(MAX_TEXT, "it is too long");
    }
    let mut parser = Parser { text, at: 0, depth: 0, operators: 0, is_in_predicate: false };
    let mut clauses = Vec::new();
    parser.skip_blanks()?;
    while parser.at < text.len() {
        clauses.push(parser.clause()?);
        while parser.takes(";")? {}
    }
    if clauses.is_empty() { mistake(0, "a probe is missing, such as syscall:::entry") } else { Ok(clauses) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    operators: usize,
    /// Outside parentheses of a predicate, where a `/` may be its end.
    is_in_predicate: bool,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) -> Result<(), Mistake> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") && !self.is_in_predicate {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                match comment.find("*/") {
                    Some(end) => self.at += end + 4,
                    None => return mistake(self.at, "this comment has no end"),
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Takes a sign and the blanks after it, if it stands here as itself.
    fn takes(&mut self, sign: &str) -> Result<bool, Mistake> {
        let rest = self.rest();
        let is_longer =
            |longer: &&&str| longer.len() > sign.len() && longer.starts_with(sign) && rest.starts_with(**longer);
        if !rest.starts_with(sign) || LONGER.iter().any(|longer| is_longer(&longer)) {
            return Ok(false);
        }
        self.at += sign.len();
        self.skip_blanks()?;
        Ok(true)
    }

    fn needs(&mut self, sign: &str, what: &str) -> Result<(), Mistake> {
        if self.takes(sign)? { Ok(()) } else { mistake(self.at, format!("{what}: {sign} is missing here")) }
    }

    /// Takes a name, if one stands here.
    fn name(&mut self) -> Result<Option<&'a str>, Mistake> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        self.at += end;
        self.skip_blanks()?;
        Ok(Some(&rest[..end]))
    }

    fn clause(&mut self) -> Result<Clause, Mistake> {
        let mut probes = Vec::new();
        loop {
            let (at, rest) = (self.at, self.rest());
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_*?:-".contains(c);
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            if end == 0 {
                return mistake(at, "a probe is missing here, such as syscall:::entry");
            }
            self.at += end;
            self.skip_blanks()?;
            probes.push((at, rest[..end].to_string()));
            if !self.takes(",")? {
                break;
            }
        }
        self.operators = 0;
        let mut predicate = None;
        let slash = self.at;
        if self.rest().starts_with('/') {
            self.is_in_predicate = true;
            self.at += 1;
            self.skip_blanks()?;
            predicate = Some(self.expression()?);
            self.is_in_predicate = false;
            if !self.rest().starts_with('/') {
                let at = if self.at < self.text.len() { self.at } else { slash };
                return mistake(at, "this predicate has no / at its end");
            }
            self.at += 1;
            self.skip_blanks()?;
        }
        let actions = if self.takes("{")? { Some(self.statements()?) } else { None };
        if actions.is_none() && self.at < self.text.len() && !self.rest().starts_with(';') {
            return mistake(self.at, "{, a comma or the end is expected here");
        }
        Ok(Clause { probes, predicate, actions })
    }

    /// The statements up to the closing brace.
    fn statements(&mut self) -> Result<Vec<Statement>, Mistake> {
        let mut statements = Vec::new();
        loop {
            while self.takes(";")? {}
            if self.takes("}")? {
                return Ok(statements);
            }
            if self.at == self.text.len() {
                return mistake(self.at, "} is missing");
            }
            statements.push(self.statement()?);
            if !self.rest().starts_with([';', '}']) {
                return mistake(self.at, "; or } is missing here");
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, Mistake> {
        self.operators = 0;
        let at = self.at;
        if self.takes("@")? {
            return self.aggregation(at);
        }
        let Some(name) = self.name()? else { return mistake(at, "a statement is expected here") };
        if name == "self" && self.takes("->")? {
            let Some(name) = self.name()? else { return mistake(self.at, "the variable's name is missing here") };
            return self.assignment(at, true, name);
        }
        if !self.rest().starts_with('(') {
            return self.assignment(at, false, name);
        }
        let open = self.at;
        self.needs("(", "a call")?;
        match name {
            "printf" => {
                let format_at = self.at;
                let Some(format) = self.quoted()? else {
                    return mistake(self.at, "printf's format, in quotes, is missing");
                };
                let mut values = Vec::new();
                while self.takes(",")? {
                    values.push(self.expression()?);
                }
                self.needs(")", "printf")?;
                Ok(Statement::Print { at: format_at, format, values })
            }
            "trace" | "exit" => {
                let value = self.expression()?;
                self.needs(")", name)?;
                Ok(if name == "trace" { Statement::Trace(value) } else { Statement::Exit(value) })
            }
            "count" | "sum" | "min" | "max" | "avg" | "quantize" | "lquantize" => {
                mistake(at, format!("{name}() is the value of an aggregation: @name[keys] = {name}(…)"))
            }
            _ => mistake(if open > at { at } else { open }, format!("there is no action called {name}")),
        }
    }

    fn aggregation(&mut self, at: usize) -> Result<Statement, Mistake> {
        let name = self.name()?.unwrap_or_default().to_string();
        let mut keys = Vec::new();
        if self.takes("[")? {
            loop {
                keys.push(self.expression()?);
                if !self.takes(",")? {
                    break;
                }
            }
            self.needs("]", "the keys")?;
        }
        self.needs("=", "an aggregation")?;
        let function_at = self.at;
        let Some(function) = self.name()? else {
            return mistake(self.at, "a function such as count() is missing here");
        };
        self.needs("(", function)?;
        let mut arguments = Vec::new();
        if !self.takes(")")? {
            loop {
                arguments.push(self.expression()?);
                if !self.takes(",")? {
                    break;
                }
            }
            self.needs(")", function)?;
        }
        Ok(Statement::Aggregate { at, name, keys, function: (function_at, function.to_string()), arguments })
    }

    fn assignment(&mut self, at: usize, is_local: bool, name: &str) -> Result<Statement, Mistake> {
        let sign_at = self.at;
        let old = || {
            let name = name.to_string();
            Expression { at, kind: if is_local { ExpressionKind::Local(name) } else { ExpressionKind::Name(name) } }
        };
        let changed = |operation, by| {
            let kind = ExpressionKind::Binary(Operator::Plain(operation), Box::new(old()), Box::new(by));
            Expression { at: sign_at, kind }
        };
        let one = Expression { at: sign_at, kind: ExpressionKind::Number(1) };
        let value = if self.takes("++")? {
            changed(Binary::Add, one)
        } else if self.takes("--")? {
            changed(Binary::Subtract, one)
        } else if self.takes("+=")? {
            let by = self.expression()?;
            changed(Binary::Add, by)
        } else if self.takes("-=")? {
            let by = self.expression()?;
            changed(Binary::Subtract, by)
        } else if self.takes("=")? {
            self.expression()?
        } else {
            return mistake(sign_at, format!("= is missing after {name}"));
        };
        Ok(Statement::Assign { is_local, name: name.to_string(), value, at })
    }

    fn expression(&mut self) -> Result<Expression, Mistake> {
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
    fn binary(&mut self, level: usize) -> Result<Expression, Mistake> {
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
    fn is_end_of_predicate(&mut self) -> Result<bool, Mistake> {
        let Some(after) = self.rest().strip_prefix('/') else { return Ok(false) };
        let after = after.trim_start();
        Ok(after.is_empty() || after.starts_with(['{', ';']))
    }

    fn operand(&mut self) -> Result<Expression, Mistake> {
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
            "self" => {
                self.needs("->", "self")?;
                let Some(name) = self.name()? else { return mistake(self.at, "the variable's name is missing here") };
                is_one(ExpressionKind::Local(name.to_string()))
            }
            "args" => {
                self.needs("[", "args")?;
                let Some(number) = self.number()? else { return mistake(self.at, "a number is missing here") };
                self.needs("]", "args")?;
                is_one(ExpressionKind::Name(format!("arg{number}")))
            }
            _ => is_one(ExpressionKind::Name(name.to_string())),
        }
    }

    fn number(&mut self) -> Result<Option<i64>, Mistake> {
        let (at, rest) = (self.at, self.rest());
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..end];
        let value = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None if word.len() > 1 && word.starts_with('0') => u64::from_str_radix(word, 8),
            None => word.parse(),
        };
        let Ok(value) = value else { return mistake(at, format!("{word} is no number of 64 bits")) };
        self.at += end;
        self.skip_blanks()?;
        Ok(Some(value.cast_signed()))
    }

    /// A text in double quotes, with C's escapes.
    fn quoted(&mut self) -> Result<Option<String>, Mistake> {
        let at = self.at;
        let Some(inner) = self.rest().strip_prefix('"') else { return Ok(None) };
        let mut text = String::new();
        let mut characters = inner.char_indices();
        while let Some((offset, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += offset + 2;
                    self.skip_blanks()?;
                    return Ok(Some(text));
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, '0')) => text.push('\0'),
                    Some((_, other @ ('\\' | '"'))) => text.push(other),
                    _ => return mistake(at + 1 + offset, "only \\n, \\t, \\0, \\\\ and \\\" can stand in a text"),
                },
                other => text.push(other),
            }
        }
        mistake(at, "this text has no end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(text: &str) -> usize {
        parse(text).expect_err(text).at
    }

    #[test]
    fn the_example_is_understood() {
        let clauses = parse("syscall:::entry /execname == \"python3\"/ { @[probefunc] = count(); }").unwrap();
        assert_eq!(clauses.len(), 1);
        assert_eq!(clauses[0].probes, [(0, "syscall:::entry".to_string())]);
        assert!(clauses[0].predicate.is_some());
        assert!(matches!(&clauses[0].actions.as_deref(), Some([Statement::Aggregate { keys, .. }]) if keys.len() == 1));
    }

    #[test]
    fn operators_bind_as_in_c() {
        let value = |text: &str| match &parse(&format!("BEGIN{{x={text}}}")).expect(text)[0].actions.as_deref() {
            Some([Statement::Assign { value, .. }]) => shape(value),
            other => panic!("{other:?}"),
        };
        assert_eq!(value("1 + 2 * 3"), "(1 Add (2 Multiply 3))");
        assert_eq!(value("1 - 2 - 3"), "((1 Subtract 2) Subtract 3)");
        assert_eq!(value("a & 1 == 0"), "(a And (1 Equal 0))");
        assert_eq!(value("a && b || c"), "((a && b) || c)");
        assert_eq!(value("-a >> 0x10"), "(Negate a ShiftRight 16)");
        assert_eq!(value("a > b ? 1 : c >= 2"), "((a <Less b) ? 1 : (c <LessOrEqual 2))");
        assert_eq!(value("(a / b) % self->c"), "((a Divide b) Remainder self->c)");
        assert_eq!(value("010 + args[2]"), "(8 Add arg2)");
    }

    fn shape(expression: &Expression) -> String {
        match &expression.kind {
            ExpressionKind::Number(number) => number.to_string(),
            ExpressionKind::Text(text) => format!("{text:?}"),
            ExpressionKind::Name(name) => name.clone(),
            ExpressionKind::Local(name) => format!("self->{name}"),
            ExpressionKind::Unary(operator, operand) => format!("{operator:?} {}", shape(operand)),
            ExpressionKind::Binary(operator, left, right) => {
                let operator = match operator {
                    Operator::Plain(operation) => format!("{operation:?}"),
                    Operator::Swapped(operation) => format!("<{operation:?}"),
                    Operator::Both => "&&".into(),
                    Operator::Either => "||".into(),
                };
                format!("({} {operator} {})", shape(left), shape(right))
            }
            ExpressionKind::Choice(parts) => {
                format!("({} ? {} : {})", shape(&parts[0]), shape(&parts[1]), shape(&parts[2]))
            }
        }
    }

    #[test]
    fn a_slash_divides_or_ends() {
        let clauses = parse("a:::b /x / 2 == 1/ {} c:::d /y/; e:::f /(z / 2)/").unwrap();
        assert_eq!(clauses.len(), 3);
        assert_eq!(shape(clauses[0].predicate.as_ref().unwrap()), "((x Divide 2) Equal 1)");
        assert!(clauses[1].actions.is_none() && clauses[2].predicate.is_some());
    }

    #[test]
    fn mistakes_point_at_their_place() {
        assert_eq!(place_of(""), 0);
        assert_eq!(place_of("a:::b {"), 7);
        assert_eq!(place_of("a:::b / x {"), 10);
        assert_eq!(place_of("a:::b { @[] = count() }"), 10);
        assert_eq!(place_of("a:::b { @ = count( }"), 19);
        assert_eq!(place_of("a:::b { x 1 }"), 10);
        assert_eq!(place_of("a:::b { printf(1) }"), 15);
        assert_eq!(place_of("a:::b { x = \"y }"), 12);
        assert_eq!(place_of("a:::b { x = 12z }"), 12);
        assert_eq!(place_of("a:::b { nosuch(1) }"), 8);
        assert_eq!(place_of("a:::b c"), 6);
        assert_eq!(place_of("a:::b /* x"), 6);
        let deep = format!("BEGIN {{ x = {}1{} }}", "(".repeat(100), ")".repeat(100));
        assert!(parse(&deep).unwrap_err().message.contains("deep"));
        assert!(parse(&format!("BEGIN {{ x = {}1 }}", "- ".repeat(9999))).unwrap_err().message.contains("deep"));
        let long = format!("BEGIN {{ x = 1{} }}", "+1".repeat(9999));
        assert!(parse(&long).unwrap_err().message.contains("many operators"));
    }
}
