//! Files whose contents are made when they are read, as those of `/proc` and `/sys` are: what an open file description holds of
//! them.
//!
//! A text is made when a description is read from its start, and stays the same while it is read on, so that a reader in
//! pieces sees one moment. A write is taken whole or not at all.
use super::file::File;
use super::inode::Inode;
use super::open_file::OpenFile;
use super::transfer::{Sink, Source};
use crate::errno::Result;
use crate::lock_order;
use alloc::sync::Arc;
use alloc::vec::Vec;
use machine::sync::Mutex;
use machine::thread::CurrentThread;

/// An inode with a text behind it.
pub(super) trait TextInode: Inode {
    /// Makes the text.
    fn read_text(&self, cx: &mut CurrentThread) -> Result<Vec<u8>>;
    /// Takes what one write gives.
    fn write_text(&self, cx: &mut CurrentThread, bytes: &[u8]) -> Result<()>;
}

/// An opened text.
pub(super) struct TextFile<I> {
    inode: Arc<I>,
    text: Mutex<Vec<u8>>,
}

impl<I: TextInode> TextFile<I> {
    /// For a new description of `inode`.
    pub(super) fn new(inode: Arc<I>) -> Arc<TextFile<I>> {
        Arc::new(TextFile { inode, text: Mutex::new(&lock_order::PROC_TEXT, Vec::new()) })
    }
}

/// Most bytes taken by one write.
const WRITE_BYTES: usize = 4096;

impl<I: TextInode> File for TextFile<I> {
    fn read(&self, cx: &mut CurrentThread, _open: &OpenFile, offset: &mut u64, to: &mut Sink<'_>) -> Result<()> {
        let mut text = self.text.lock(cx);
        if *offset == 0 {
            *text = self.inode.read_text(cx)?;
        }
        let start = usize::try_from(*offset).unwrap_or(usize::MAX).min(text.len());
        let part = &text[start..];
        let part = &part[..part.len().min(to.left())];
        let before = to.left();
        let outcome = to.put(cx, part);
        *offset += (before - to.left()) as u64;
        outcome
    }

    fn write(&self, cx: &mut CurrentThread, _open: &OpenFile, offset: &mut u64, from: &mut Source<'_>) -> Result<()> {
        let mut bytes = Vec::new();
        let length = from.left().min(WRITE_BYTES);
        bytes.try_reserve_exact(length)?;
        bytes.resize(length, 0);
        // Taken from a copy: if it is refused, nothing was written.
        let mut rest = from.clone();
        rest.take(cx, &mut bytes)?;
        self.inode.write_text(cx, &bytes)?;
        *from = rest;
        *offset += length as u64;
        Ok(())
    }
}
