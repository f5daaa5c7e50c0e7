//! Sockets. So far local ones only (AF_UNIX, `unix(7)`): stream, datagram and sequenced packets, by path and by abstract
//! name, with descriptors and credentials as ancillary data. Other families answer EAFNOSUPPORT.
//!
//! [`socket`] is the object, [`message`] what lies in its queue; [`names`], [`connect`], [`send`] and [`receive`] are what is done
//! with it; [`file`](self) makes it a file. Called by `syscall/socket.rs` and `syscall/message.rs`.
//!
//! Not there: out-of-band data (MSG_OOB), a collector for sockets that were sent into each other and that nobody can receive
//! any more (what is on the way is bounded instead).
mod connect;
mod file;
mod message;
mod names;
mod options;
mod receive;
pub(crate) mod rights;
mod send;
mod socket;
mod timeout;
mod unreachable;

pub use options::{MOST_BYTES as OPTION_BYTES, OptionValue};
pub use receive::Received;
pub use send::Outgoing;
pub use socket::{Name, Socket, SocketKind};
