//! System V inter-process communication: semaphores, message queues and memory that are found by keys and stay until they are
//! removed.
//!
//! | file | idea |
//! |---|---|
//! | `object` | what the three have in common: keys, identifiers, permissions |
//! | `semaphore` | sets of semaphores |
//! | `message` | queues of messages |
//! | `shared_memory` | segments of memory |
pub mod message;
pub mod object;
pub mod semaphore;
pub mod shared_memory;
