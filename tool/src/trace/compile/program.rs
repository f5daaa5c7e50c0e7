//! All clauses, one after another; variables get their places.
use super::body::Body;
use super::name::BUILT_IN;
use crate::observe::guest::Guest;
use crate::trace::functions::Catalog;
use crate::trace::plan::{HandlePiece, Plan};
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Clause, Expression, ExpressionKind, Function, Scope, Statement};
use pure::trace_program as machine;
use std::collections::{HashMap, HashSet};

/// Compiles a program's clauses.
pub(crate) fn compile(clauses: &[Clause], guest: &Guest, catalog: &Catalog) -> Result<Plan, Mistake> {
    let mut compiler = Compiler {
        guest,
        catalog,
        plan: Plan::default(),
        globals: HashMap::new(),
        locals: HashMap::new(),
        shared: HashMap::new(),
        aggregations: HashSet::new(),
        formats: Vec::new(),
    };
    for statement in clauses.iter().filter_map(|clause| clause.actions.as_ref()).flatten() {
        compiler.declare(statement)?;
    }
    for clause in clauses {
        compiler.clause(clause)?;
    }
    compiler.check_formats()?;
    Ok(compiler.plan)
}

/// A variable's place, and what it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) index: u8,
    /// The number of a text; else a number.
    pub(super) is_text: bool,
}

/// What is known while the clauses are compiled.
pub(super) struct Compiler<'a> {
    pub(super) guest: &'a Guest,
    pub(super) catalog: &'a Catalog,
    pub(super) plan: Plan,
    pub(super) globals: HashMap<String, Variable>,
    /// The threads' variables.
    pub(super) locals: HashMap<String, Variable>,
    /// The variables of the clauses of a firing.
    pub(super) shared: HashMap<String, Variable>,
    /// The names of all aggregations.
    pub(super) aggregations: HashSet<String>,
    /// The formats of `printa`: where each stands, whose it is, and its pieces.
    pub(super) formats: Vec<(usize, String, Vec<HandlePiece>)>,
}

impl Compiler<'_> {
    /// Gives a variable that is set somewhere its place. What it holds is told by where it is first set.
    fn declare(&mut self, statement: &Statement) -> Result<(), Mistake> {
        if let Statement::If { then, otherwise, .. } = statement {
            return then.iter().chain(otherwise).try_for_each(|statement| self.declare(statement));
        }
        if let Statement::Aggregate { name, .. } = statement {
            self.aggregations.insert(name.clone());
        }
        let Statement::Assign { scope, name, at, value } = statement else { return Ok(()) };
        let is_text = self.is_text(value);
        let (variables, most) = match scope {
            Scope::Thread => (&mut self.locals, machine::MAX_LOCALS),
            Scope::Program => (&mut self.globals, machine::MAX_GLOBALS),
            Scope::Clause => (&mut self.shared, machine::MAX_CLAUSE_VARIABLES),
        };
        if *scope == Scope::Program && BUILT_IN.contains(&name.as_str()) {
            return mistake(*at, format!("{name} cannot be set"));
        }
        let number = variables.len();
        if !variables.contains_key(name) {
            let number = u8::try_from(number).ok().filter(|number| *number < most);
            let Some(index) = number else { return mistake(*at, format!("there can be {most} variables of a kind")) };
            variables.insert(name.clone(), Variable { index, is_text });
        }
        Ok(())
    }

    /// Whether a value is a text, as far as that can be told by how it is written.
    fn is_text(&self, value: &Expression) -> bool {
        let holds = |variable: Option<&Variable>| variable.is_some_and(|variable| variable.is_text);
        match &value.kind {
            ExpressionKind::Text(_) | ExpressionKind::Call(Function::Text, _) => true,
            ExpressionKind::Choice(parts) => self.is_text(&parts[1]),
            ExpressionKind::Local(name) => holds(self.locals.get(name)),
            ExpressionKind::This(name) => holds(self.shared.get(name)),
            ExpressionKind::Name(name) => {
                let names = ["execname", "probename", "probeprov", "probemod", "probefunc"];
                names.contains(&name.as_str()) || holds(self.globals.get(name))
            }
            _ => false,
        }
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
}
