//! All clauses, one after another; variables get their places.
use super::body::Body;
use super::name::BUILT_IN;
use crate::observe::guest::Guest;
use crate::trace::functions::Catalog;
use crate::trace::plan::Plan;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Clause, Statement};
use pure::trace_program as machine;
use std::collections::HashMap;

/// Compiles a program's clauses.
pub(crate) fn compile(clauses: &[Clause], guest: &Guest, catalog: &Catalog) -> Result<Plan, Mistake> {
    let mut compiler =
        Compiler { guest, catalog, plan: Plan::default(), globals: HashMap::new(), locals: HashMap::new() };
    for statement in clauses.iter().filter_map(|clause| clause.actions.as_ref()).flatten() {
        compiler.declare(statement)?;
    }
    for clause in clauses {
        compiler.clause(clause)?;
    }
    Ok(compiler.plan)
}

/// What is known while the clauses are compiled.
pub(super) struct Compiler<'a> {
    pub(super) guest: &'a Guest,
    pub(super) catalog: &'a Catalog,
    pub(super) plan: Plan,
    pub(super) globals: HashMap<String, u8>,
    pub(super) locals: HashMap<String, u8>,
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
}
