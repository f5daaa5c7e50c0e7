//! Clauses and statements.
use super::cursor::Parser;
use super::expression::DEPTH;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Clause, Expression, ExpressionKind, Function, Handling, Operator, Scope, Statement};
use crate::trace::user_functions::PREFIX;
use pure::trace_program::Binary;

/// Longest program.
const MAX_TEXT: usize = 64 * 1024;

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

/// Where a probe's name ends that `text` begins with. In the name of a program's file (`uprobe:FILE:FUNCTION`) anything may be but blanks.
fn end_of_probe(text: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_*?:-".contains(c);
    let is_symbol = |c: char| is_part(c) || ".$@".contains(c);
    let end = |text: &str, is_part: &dyn Fn(char) -> bool| text.find(|c| !is_part(c)).unwrap_or(text.len());
    let Some(rest) = text.strip_prefix(PREFIX) else { return end(text, &is_part) };
    match rest.find(|c: char| c == ':' || c.is_ascii_whitespace()) {
        Some(file_end) if rest[file_end..].starts_with(':') => {
            PREFIX.len() + file_end + end(&rest[file_end..], &is_symbol)
        }
        _ => end(text, &is_part),
    }
}

impl Parser<'_> {
    fn clause(&mut self) -> Result<Clause, Mistake> {
        let mut probes = Vec::new();
        loop {
            let (at, rest) = (self.at, self.rest());
            let end = end_of_probe(rest);
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
            let has_own_end = matches!(statements.last(), Some(Statement::If { .. }));
            if !has_own_end && !self.rest().starts_with([';', '}']) {
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
        for (word, scope) in [("self", Scope::Thread), ("this", Scope::Clause)] {
            if name == word && self.takes("->")? {
                let Some(name) = self.name()? else { return mistake(self.at, "the variable's name is missing here") };
                return self.assignment(at, scope, name);
            }
        }
        if !self.rest().starts_with('(') {
            return self.assignment(at, Scope::Program, name);
        }
        if let Some(function) = Function::by_name(name) {
            self.takes("(")?;
            return Ok(Statement::Trace(self.call(at, name, function)?));
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
            "if" => self.choice(),
            "printa" => self.handling(name, Handling::Print),
            "clear" => self.handling(name, Handling::Clear),
            "trunc" => self.handling(name, Handling::Truncate),
            "normalize" => self.handling(name, Handling::Normalize),
            "denormalize" => self.handling(name, Handling::Denormalize),
            "count" | "sum" | "min" | "max" | "avg" | "stddev" | "quantize" | "lquantize" => {
                mistake(at, format!("{name}() is the value of an aggregation: @name[keys] = {name}(…)"))
            }
            _ => mistake(if open > at { at } else { open }, format!("there is no action called {name}")),
        }
    }

    /// What follows `if (`.
    fn choice(&mut self) -> Result<Statement, Mistake> {
        let test = self.expression()?;
        self.needs(")", "if")?;
        let then = self.branch()?;
        let at = self.at;
        let otherwise = match self.name()? {
            Some("else") => self.branch()?,
            _ => {
                self.at = at;
                Vec::new()
            }
        };
        Ok(Statement::If { test, then, otherwise })
    }

    /// Statements in braces, or one.
    fn branch(&mut self) -> Result<Vec<Statement>, Mistake> {
        self.depth += 1;
        if self.depth > DEPTH {
            return mistake(self.at, "this is nested too deep");
        }
        let branch = if self.takes("{")? {
            self.statements()?
        } else {
            let statement = self.statement()?;
            if !matches!(statement, Statement::If { .. }) && !self.takes(";")? && !self.rest().starts_with('}') {
                return mistake(self.at, "; or } is missing here");
            }
            vec![statement]
        };
        self.depth -= 1;
        Ok(branch)
    }

    /// What follows `printa(` and the like.
    fn handling(&mut self, name: &str, what: Handling) -> Result<Statement, Mistake> {
        let mut format = None;
        if what == Handling::Print {
            let at = self.at;
            if let Some(text) = self.quoted()? {
                format = Some((at, text));
                self.needs(",", name)?;
            }
        }
        let at = self.at;
        if !self.takes("@")? {
            return mistake(at, format!("{name} is for an aggregation: @name"));
        }
        let aggregation = (at, self.name()?.unwrap_or_default().to_string());
        let takes_number = matches!(what, Handling::Truncate | Handling::Normalize);
        let number = if takes_number && self.takes(",")? { Some(self.expression()?) } else { None };
        if what == Handling::Normalize && number.is_none() {
            return mistake(self.at, "normalize takes a number to divide by: normalize(@name, number)");
        }
        self.needs(")", name)?;
        Ok(Statement::Handle { what, name: aggregation, format, number })
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
        let arguments = self.arguments(function)?;
        Ok(Statement::Aggregate { at, name, keys, function: (function_at, function.to_string()), arguments })
    }

    fn assignment(&mut self, at: usize, scope: Scope, name: &str) -> Result<Statement, Mistake> {
        let sign_at = self.at;
        let old = || {
            let name = name.to_string();
            let kind = match scope {
                Scope::Program => ExpressionKind::Name(name),
                Scope::Thread => ExpressionKind::Local(name),
                Scope::Clause => ExpressionKind::This(name),
            };
            Expression { at, kind }
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
        Ok(Statement::Assign { scope, name: name.to_string(), value, at })
    }
}
