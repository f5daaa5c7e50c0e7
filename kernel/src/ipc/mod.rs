//! Inter-process communication: System V's semaphores, message queues and memory, which are found by keys and stay until they are
//! removed, and POSIX message queues.
//!
//! | file | idea |
//! |---|---|
//! | `object` | what System V's three have in common: keys, identifiers, permissions |
//! | `semaphore` | sets of semaphores |
//! | `message` | queues of messages |
//! | `shared_memory` | segments of memory |
//! | `posix_queue` | named queues of messages with priorities |
pub mod message;
pub mod object;
pub mod posix_queue;
pub mod semaphore;
pub mod shared_memory;
