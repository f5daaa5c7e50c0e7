//! From the innermost function to the outermost: by what the files tell, by frame pointers where they tell nothing (code that a JIT compiler
//! made), and at last by what the guest's own walk along frame pointers found, where the copy of the stack ends.

use super::registers::Registers;
use super::signal;
use super::stack::StackCopy;
use super::table::Step;

/// Most frames of a walk.
const MOST_FRAMES: usize = 1024;

/// The code of the program that is walked.
pub(crate) trait Code {
    /// Whether there is code at an address.
    fn is_there(&mut self, address: u64) -> bool;
    /// Whether a handler of signals returns to the function that is there.
    fn is_signal_return(&mut self, address: u64) -> bool;
    /// Goes to the caller of the function that is at `address`.
    fn step(&mut self, address: u64, registers: &mut Registers, stack: &StackCopy<'_>) -> Step;
}

/// What a walk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    /// An address inside of each function, from the innermost outwards.
    pub(crate) frames: Vec<u64>,
    /// Whether there may be more.
    pub(crate) is_truncated: bool,
}

/// Walks from `registers`. `chain` is what the guest found by frame pointers, the program counter first, and whether it came to no end.
pub(crate) fn walk(
    code: &mut dyn Code,
    mut registers: Registers,
    stack: &StackCopy<'_>,
    (chain, is_chain_cut): (&[u64], bool),
) -> Walk {
    let mut frames = Vec::new();
    let mut returns = Vec::new();
    let mut is_exact = true;
    loop {
        let (Some(counter), Some(pointer)) = (registers.program_counter(), registers.stack_pointer()) else {
            return Walk { frames, is_truncated: true };
        };
        // After a call that never returns the address may belong to the next function.
        let inside = if is_exact { counter } else { counter.wrapping_sub(1) };
        // A place where nothing is mapped is told if the program is there, but it is nobody's caller.
        if !frames.is_empty() && !code.is_there(inside) && !code.is_signal_return(counter)
            || frames.len() == MOST_FRAMES
        {
            return Walk { frames, is_truncated: true };
        }
        let is_return = code.is_signal_return(counter);
        let address = if is_return { counter } else { inside };
        frames.push(address);
        returns.push(counter);
        let mut step = code.step(address, &mut registers, stack);
        if step == Step::NotTold && is_return {
            step = match signal::interrupted(&registers, stack) {
                Some(before) => {
                    registers = before;
                    Step::Caller { is_exact: true }
                }
                None => Step::NotFound,
            };
        }
        if step == Step::NotTold {
            step = by_frame_pointer(&mut registers, stack);
        }
        // Stacks grow downwards: a caller's is above, or a walk would have no end. Where a signal came from may be another stack.
        let has_moved = registers.stack_pointer().is_some_and(|now| now > pointer || now == pointer && is_exact);
        match step {
            Step::Caller { is_exact: was_interrupted } if has_moved || was_interrupted => is_exact = was_interrupted,
            Step::Outermost => return Walk { frames, is_truncated: false },
            Step::Caller { .. } | Step::NotFound | Step::NotTold => {
                return go_on(code, frames, &returns, chain, is_chain_cut);
            }
        }
    }
}

/// The caller by the frame record: the next frame pointer and the return address.
fn by_frame_pointer(registers: &mut Registers, stack: &StackCopy<'_>) -> Step {
    let frame = match (registers.frame_pointer(), registers.stack_pointer()) {
        (Some(0), _) => return Step::Outermost,
        (Some(frame), Some(pointer)) if frame >= pointer => frame,
        _ => return Step::NotFound,
    };
    let record = stack.word(frame).zip(frame.checked_add(8).and_then(|at| stack.word(at)));
    let (Some((next, address)), Some(pointer)) = (record, frame.checked_add(16)) else { return Step::NotFound };
    if address == 0 {
        return Step::Outermost;
    }
    registers.set_frame_pointer(next);
    registers.set_stack_pointer(pointer);
    registers.set_program_counter(address);
    Step::Caller { is_exact: false }
}

/// Goes on along the guest's chain from where it holds the last address found.
fn go_on(code: &mut dyn Code, mut frames: Vec<u64>, returns: &[u64], chain: &[u64], is_chain_cut: bool) -> Walk {
    let truncated = |frames| Walk { frames, is_truncated: true };
    let Some((last, before)) = returns.split_last() else { return truncated(frames) };
    // A function that calls itself is there often: as often as so far.
    let seen = before.iter().filter(|address| *address == last).count();
    let mut places = chain.iter().enumerate().filter(|(_, address)| *address == last).map(|(place, _)| place);
    let place = places.nth(seen).or_else(|| chain.iter().rposition(|address| address == last));
    let Some(place) = place else { return truncated(frames) };
    for address in &chain[place + 1..] {
        let inside = address.wrapping_sub(1);
        if !code.is_there(inside) || frames.len() == MOST_FRAMES {
            return truncated(frames);
        }
        frames.push(inside);
    }
    Walk { frames, is_truncated: is_chain_cut }
}

#[cfg(test)]
mod tests {
    use super::super::table::FrameTable;
    use super::super::table::tests::two_functions;
    use super::*;

    /// The two functions of the table's tests, and code at 0x5000 of which nothing is told.
    struct Two(FrameTable);

    impl Code for Two {
        fn is_there(&mut self, address: u64) -> bool {
            [0x1000, 0x2000, 0x5000].iter().any(|start| (*start..start + 0x100).contains(&address))
        }
        fn is_signal_return(&mut self, address: u64) -> bool {
            address == 0x5080
        }
        fn step(&mut self, address: u64, registers: &mut Registers, stack: &StackCopy<'_>) -> Step {
            self.0.step(address, registers, stack)
        }
    }

    fn found(counter: u64, frame: u64, words: &[u64], chain: &[u64]) -> (Vec<u64>, bool) {
        let mut registers = Registers::of_sample(&[0; 17]).unwrap();
        registers.set_program_counter(counter);
        registers.set_stack_pointer(0x8000);
        registers.set_frame_pointer(frame);
        let stack = StackCopy::new(0x8000, words);
        let Walk { frames, is_truncated } = walk(&mut Two(two_functions()), registers, &stack, (chain, false));
        (frames, is_truncated)
    }

    #[test]
    fn walks_to_the_outermost() {
        assert_eq!(found(0x1000, 0, &[0x1010, 5, 0x2010], &[]), (vec![0x1000, 0x100f, 0x200f], false));
        assert_eq!(found(0x2000, 0, &[], &[]), (vec![0x2000], false));
    }

    #[test]
    fn goes_by_frame_pointers_where_nothing_is_told() {
        assert_eq!(found(0x5000, 0x8008, &[9, 0x8018, 0x1010, 5, 0x2010], &[]), (vec![0x5000, 0x100f, 0x200f], false));
        assert_eq!(found(0x5000, 0, &[], &[]), (vec![0x5000], false));
        assert_eq!(found(0x5000, 0x7000, &[1, 2, 3], &[]), (vec![0x5000], true));
    }

    #[test]
    fn goes_on_along_the_chain_where_the_copy_ends() {
        assert_eq!(found(0x1000, 0, &[0x1010], &[0x1000, 0x1010, 0x5010]), (vec![0x1000, 0x100f, 0x500f], false));
        assert_eq!(found(0x1000, 0, &[0x1010], &[0x1000, 0x1030, 0x5010]), (vec![0x1000, 0x100f], true));
        // The second of three calls of itself is the last that the copy shows.
        let chain = [0x1000, 0x1010, 0x1010, 0x1010, 0x5010];
        let (frames, _) = found(0x1000, 0, &[0x1010, 5, 0x1010], &chain);
        assert_eq!(frames, [0x1000, 0x100f, 0x100f, 0x100f, 0x500f]);
    }

    #[test]
    fn what_a_signal_interrupted_is_the_caller() {
        let mut words = vec![0x5080; 30];
        // Where `sigcontext` lies above the function to return to, its stack pointer and program counter.
        (words[1 + 5 + 15], words[1 + 5 + 16]) = (0x8000, 0x2000);
        assert_eq!(found(0x1000, 0, &words, &[]), (vec![0x1000, 0x5080, 0x2000], false));
    }

    #[test]
    fn ends_whatever_the_stack_says() {
        let words = vec![0x1010; 5000];
        let (frames, is_truncated) = found(0x1000, 0x8000, &words, &[]);
        assert!(frames.len() == MOST_FRAMES && is_truncated);
        let mut state = 9u64;
        for _ in 0..2000 {
            let mut random = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state
            };
            let words: Vec<u64> = (0..40)
                .map(|_| match random() % 4 {
                    0 => 0x1000 + random() % 0x100,
                    1 => 0x5000 + random() % 0x100,
                    2 => 0x8000 + random() % 0x200,
                    _ => random(),
                })
                .collect();
            let (frames, _) = found(0x5000 + random() % 0x100, 0x8000 + random() % 0x100, &words, &words);
            assert!(frames.len() <= MOST_FRAMES);
        }
    }
}
