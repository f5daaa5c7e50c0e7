//! Texts and stacks, which are kept by the kernel under numbers; and what an expression's value will be, before it is compiled.
use super::body::Body;
use super::expression::Type;
use crate::trace::plan::Stack;
use crate::trace::source::{Mistake, mistake};
use crate::trace::syntax::{Expression, ExpressionKind, Function};
use pure::trace_program::{Instruction, Keep, MAX_FRAMES, MAX_KEEPS, MAX_TEXT_BYTES, MAX_TEXTS, Source};

/// What an expression's value will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A number.
    Number,
    /// A text that is known now.
    Known,
    /// A task's name.
    Comm,
    /// A system call.
    Call,
    /// A function of the kernel.
    Function,
    /// A text that is kept.
    Kept,
    /// A stack.
    Stack,
}

impl Body<'_, '_> {
    /// What an expression's value will be.
    pub(super) fn sort(&self, expression: &Expression) -> Sort {
        let variable = |is_text: Option<bool>| if is_text == Some(true) { Sort::Kept } else { Sort::Number };
        let of = &*self.of;
        match &expression.kind {
            ExpressionKind::Number(_) | ExpressionKind::Unary(..) | ExpressionKind::Binary(..) => Sort::Number,
            ExpressionKind::Text(_) => Sort::Known,
            ExpressionKind::Call(Function::Text, _) => Sort::Kept,
            ExpressionKind::Call(..) => Sort::Stack,
            ExpressionKind::Local(name) => variable(of.locals.get(name).map(|variable| variable.is_text)),
            ExpressionKind::This(name) => variable(of.shared.get(name).map(|variable| variable.is_text)),
            ExpressionKind::Choice(parts) => match self.sort(&parts[1]) {
                Sort::Number => Sort::Number,
                Sort::Stack => Sort::Stack,
                _ => Sort::Kept,
            },
            ExpressionKind::Name(name) => match name.as_str() {
                "execname" => Sort::Comm,
                "probefunc" if self.event.provider() == "syscall" => Sort::Call,
                "probefunc" if self.event.function().is_some() => Sort::Function,
                "probename" | "probeprov" | "probemod" | "probefunc" => Sort::Known,
                _ => variable(of.globals.get(name).map(|variable| variable.is_text)),
            },
        }
    }

    /// The number of a text that is kept, into a register, whatever text it is.
    pub(super) fn text(&mut self, expression: &Expression, to: u8) -> Result<(), Mistake> {
        let (at, to) = (expression.at, self.register(expression.at, to)?);
        match self.sort(expression) {
            Sort::Comm => self.keep(at, Keep::Name, to, to, MAX_TEXT_BYTES),
            Sort::Known => match self.expression(expression, to)? {
                Type::Text(text) => self.known_text(at, &text, to),
                _ => mistake(at, "a text is wanted here"),
            },
            Sort::Kept => self.expression(expression, to).map(|_| ()),
            Sort::Call | Sort::Function => {
                mistake(at, "a function's name can be compared, printed and be a key, but not kept")
            }
            Sort::Number | Sort::Stack => mistake(at, "a text is wanted here"),
        }
    }

    /// The number of one of the program's own texts, into a register.
    fn known_text(&mut self, at: usize, text: &str, to: u8) -> Result<(), Mistake> {
        let texts = &mut self.of.plan.program.texts;
        let number = texts.iter().position(|other| other == text.as_bytes()).unwrap_or(texts.len());
        if text.len() > MAX_TEXT_BYTES.into() {
            return mistake(at, format!("a text has at most {MAX_TEXT_BYTES} bytes here"));
        }
        if number == texts.len() {
            if number == MAX_TEXTS {
                return mistake(at, format!("a program can keep and compare {MAX_TEXTS} texts of its own"));
            }
            texts.push(text.as_bytes().to_vec());
        }
        // CAST: below 128.
        self.code.push(Instruction::Load { to, source: Source::Text, index: number as u8 });
        Ok(())
    }

    /// A text that is read from the program's memory, if it is the text that is known: 1 or 0.
    pub(super) fn compare_read(&mut self, read: &Expression, known: &str, at: usize, to: u8) -> Result<(), Mistake> {
        match &read.kind {
            // What is only compared need not be kept.
            ExpressionKind::Call(Function::Text, arguments) => {
                let most = self.read_text(read.at, arguments, Keep::KnownText, to)?;
                if known.len() >= usize::from(most) {
                    return mistake(at, format!("at most {most} bytes are read: this can never be equal"));
                }
            }
            _ => self.text(read, to)?,
        }
        let above = self.register(at, to + 1)?;
        self.known_text(at, known, above)?;
        self.binary(pure::trace_program::Binary::Equal, to, to, above);
        Ok(())
    }

    /// The value of a function.
    pub(super) fn call(
        &mut self,
        at: usize,
        function: Function,
        arguments: &[Expression],
        to: u8,
    ) -> Result<Type, Mistake> {
        let (what, is_user) = match function {
            Function::Text => {
                self.read_text(at, arguments, Keep::Text, to)?;
                return Ok(Type::Kept);
            }
            Function::KernelStack => (Keep::KernelStack, false),
            Function::UserStack => (Keep::UserStack, true),
        };
        if arguments.len() > 1 {
            return mistake(at, "a stack takes one number: how many functions of it are wanted");
        }
        let frames = limit(arguments.first(), MAX_FRAMES)?;
        self.keep(at, what, to, to, frames)?;
        Ok(Type::Stack(Stack { is_user, frames }))
    }

    /// Reads a text; answers how many bytes at most.
    fn read_text(&mut self, at: usize, arguments: &[Expression], what: Keep, to: u8) -> Result<u16, Mistake> {
        let [address, most @ ..] = arguments else { return mistake(at, "the address of a text is missing") };
        if most.len() > 1 {
            return mistake(at, "a text takes its address, and how many bytes of it are wanted");
        }
        let most = limit(most.first(), MAX_TEXT_BYTES)?;
        self.number(address, to)?;
        self.keep(at, what, to, to, most)?;
        Ok(most)
    }

    fn keep(&mut self, at: usize, what: Keep, to: u8, from: u8, most: u16) -> Result<(), Mistake> {
        let kept = self.code.iter().filter(|instruction| matches!(instruction, Instruction::Keep { .. })).count();
        if kept == MAX_KEEPS {
            return mistake(at, format!("a clause can take {MAX_KEEPS} stacks and texts"));
        }
        self.code.push(Instruction::Keep { what, to, from, most });
        Ok(())
    }
}

/// A constant from 1 to `most`, which it is if there is none.
fn limit(argument: Option<&Expression>, most: u16) -> Result<u16, Mistake> {
    let Some(argument) = argument else { return Ok(most) };
    let number = match argument.kind {
        ExpressionKind::Number(number) => u16::try_from(number).ok().filter(|number| (1..=most).contains(number)),
        _ => None,
    };
    match number {
        Some(number) => Ok(number),
        None => mistake(argument.at, format!("a number from 1 to {most} is wanted here")),
    }
}
