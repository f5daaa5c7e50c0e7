//! Where a function of the kernel returns: every instruction by which control leaves it for good, found in its code.
//!
//! Those are the return instructions, and jumps out of the function in place of a call and a return (tail calls). The compiler's code is read from its
//! first instruction to its last. All or nothing: a function in which one instruction is not known, or one jump may lead anywhere, has no
//! places that could be trusted, and one that never returns has none at all. As a check that instructions were told apart rightly, every
//! jump within the function must lead to one.
//!
//! Jumps to an address in a register or in memory are tail calls after the function's frame was taken down; before, they are a `match` that
//! goes by a table, if they look like that ([`x86`], [`arm`]).
use alloc::vec::Vec;
use core::fmt;

pub mod arm;
pub mod x86;

/// Longest function that is read, in bytes.
pub const MOST_BYTES: usize = 64 * 1024;
/// Most places in a function.
const MOST_PLACES: usize = 64;

/// A place where a function is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Bytes from the function's first.
    pub offset: usize,
    /// Bytes of the instruction.
    pub bytes: usize,
    /// How.
    pub leave: Leave,
}

/// How a function is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leave {
    /// By an instruction that does the same anywhere: a return, or a jump to an address that is in a register or found by one.
    Anywhere,
    /// By a jump to so many bytes from the function's first.
    Jump(i64),
}

/// Why a function has no places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unknown {
    /// The instruction at this offset is not known, or ends behind the function.
    Instruction(usize),
    /// The jump at this offset may be one within the function or not, or depends on a condition and leads out of it.
    Jump(usize),
    /// It never returns.
    Diverges,
    /// It is longer than [`MOST_BYTES`], or has more places than are kept.
    TooLong,
    /// There was no memory to look.
    OutOfMemory,
}

impl fmt::Display for Unknown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unknown::Instruction(offset) => write!(out, "its instruction at {offset:#x} is not known"),
            Unknown::Jump(offset) => write!(out, "its jump at {offset:#x} may return or not"),
            Unknown::Diverges => write!(out, "it does not return"),
            Unknown::TooLong => write!(out, "it is too long"),
            Unknown::OutOfMemory => write!(out, "no memory"),
        }
    }
}

/// What an instruction does with the flow of control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    /// Goes on, as far as we are concerned.
    On,
    /// Never goes on.
    Stops,
    /// Returns.
    Returns,
    /// Jumps to so many bytes from the end of the instruction (x86-64) or its start (ARM64).
    Jumps(i64),
    /// Does so or goes on.
    Branches(i64),
    /// Jumps to an address out of a register or memory.
    JumpsAnywhere,
    /// Jumps by a table.
    JumpsByTable,
    /// Takes the frame down: what follows is the way out.
    EndsFrame,
    /// Makes a frame.
    MakesFrame,
}

/// What has been found so far.
struct Search {
    bytes: usize,
    /// A bit for each place where an instruction begins.
    starts: Vec<u64>,
    /// Where jumps within the function lead.
    targets: Vec<u32>,
    places: Vec<Place>,
    /// The frame is gone.
    is_leaving: bool,
}

impl Search {
    fn new(code: &[u8]) -> Result<Search, Unknown> {
        if code.len() > MOST_BYTES {
            return Err(Unknown::TooLong);
        }
        let mut search = Search {
            bytes: code.len(),
            starts: Vec::new(),
            targets: Vec::new(),
            places: Vec::new(),
            is_leaving: false,
        };
        let words = code.len().div_ceil(64);
        search.starts.try_reserve_exact(words).map_err(|_| Unknown::OutOfMemory)?;
        search.starts.resize(words, 0);
        Ok(search)
    }

    /// The next instruction: where it is, its bytes, what it does, and from where its jump is counted.
    fn take(&mut self, offset: usize, bytes: usize, flow: Flow, from: usize) -> Result<(), Unknown> {
        if let Some(word) = self.starts.get_mut(offset / 64) {
            *word |= 1 << (offset % 64);
        }
        // CAST: at most `MOST_BYTES`.
        let target = |distance: i64| distance.saturating_add(from as i64);
        match flow {
            Flow::On => {}
            Flow::Stops => self.is_leaving = false,
            Flow::Returns => self.leave(offset, bytes, Leave::Anywhere)?,
            Flow::JumpsAnywhere | Flow::JumpsByTable if self.is_leaving => {
                self.leave(offset, bytes, Leave::Anywhere)?
            }
            Flow::JumpsAnywhere => return Err(Unknown::Jump(offset)),
            Flow::JumpsByTable => {}
            Flow::Jumps(distance) => {
                let target = target(distance);
                // A function that calls itself last begins anew: it is left and entered.
                if self.is_inside(target) && !(target == 0 && self.is_leaving) {
                    self.goes_to(target)?;
                    self.is_leaving = false;
                } else {
                    self.leave(offset, bytes, Leave::Jump(target))?;
                }
            }
            Flow::Branches(distance) => {
                let target = target(distance);
                if !self.is_inside(target) {
                    return Err(Unknown::Jump(offset));
                }
                self.goes_to(target)?;
            }
            Flow::EndsFrame => self.is_leaving = true,
            Flow::MakesFrame => self.is_leaving = false,
        }
        Ok(())
    }

    fn is_inside(&self, target: i64) -> bool {
        // CAST: at most `MOST_BYTES`.
        (0..self.bytes as i64).contains(&target)
    }

    fn goes_to(&mut self, target: i64) -> Result<(), Unknown> {
        self.targets.try_reserve(1).map_err(|_| Unknown::OutOfMemory)?;
        // CAST: within the function.
        self.targets.push(target as u32);
        Ok(())
    }

    fn leave(&mut self, offset: usize, bytes: usize, leave: Leave) -> Result<(), Unknown> {
        if self.places.len() == MOST_PLACES {
            return Err(Unknown::TooLong);
        }
        self.places.try_reserve(1).map_err(|_| Unknown::OutOfMemory)?;
        self.places.push(Place { offset, bytes, leave });
        self.is_leaving = false;
        Ok(())
    }

    fn finish(self) -> Result<Vec<Place>, Unknown> {
        for target in &self.targets {
            let offset = *target as usize;
            if self.starts.get(offset / 64).is_none_or(|word| word >> (offset % 64) & 1 == 0) {
                return Err(Unknown::Instruction(offset));
            }
        }
        if self.places.is_empty() { Err(Unknown::Diverges) } else { Ok(self.places) }
    }
}
