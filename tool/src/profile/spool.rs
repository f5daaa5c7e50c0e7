//! Samples that wait for the end of a run: in memory as long as they are few, then in a file without a name, for a thousand deep stacks a second
//! are a gigabyte in a minute or two.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Most words kept in memory (64 MiB).
const MOST_WORDS: usize = 8 << 20;

/// Rows of words.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    memory: Vec<u64>,
    /// What was in memory before: the file, and the words of each piece in it.
    file: Option<File>,
    pieces: Vec<usize>,
}

impl Spool {
    /// Adds a row: it stays together.
    pub(crate) fn add(&mut self, row: impl Iterator<Item = u64>) -> io::Result<()> {
        self.memory.extend(row);
        if self.memory.len() > MOST_WORDS { self.put_away() } else { Ok(()) }
    }

    fn put_away(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let bytes: Vec<u8> = self.memory.iter().flat_map(|word| word.to_le_bytes()).collect();
        file.write_all_at(&bytes, 8 * self.pieces.iter().map(|words| *words as u64).sum::<u64>())?;
        self.pieces.push(self.memory.len());
        self.memory.clear();
        Ok(())
    }

    /// Gives all rows in order, many at a time.
    pub(crate) fn each(&self, mut take: impl FnMut(&[u64])) -> io::Result<()> {
        let mut place = 0;
        for words in &self.pieces {
            let Some(file) = &self.file else { break };
            let mut bytes = vec![0; words * 8];
            file.read_exact_at(&mut bytes, place)?;
            place += bytes.len() as u64;
            let words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
            take(&words);
        }
        take(&self.memory);
        Ok(())
    }

    /// Forgets them.
    pub(crate) fn clear(&mut self) {
        *self = Spool::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_in_order() {
        let mut spool = Spool::default();
        for number in 0..5 {
            spool.add(number * 10..number * 10 + 10).unwrap();
            if number % 2 == 1 {
                spool.put_away().unwrap();
            }
        }
        let mut all = Vec::new();
        spool.each(|words| all.extend_from_slice(words)).unwrap();
        assert_eq!((spool.pieces.len(), all), (2, (0..50).collect::<Vec<u64>>()));
        spool.clear();
        spool.each(|words| assert!(words.is_empty())).unwrap();
    }
}
