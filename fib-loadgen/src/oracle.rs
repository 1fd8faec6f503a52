//! Whether a decimal string is F(n), by a method that never computes F(n) and shares no code with the server.
//!
//! Two independent facts about F(n) are cheap for any `n`: its residue modulo a prime, and its exact number of
//! decimal digits. An answer with that residue and that length is F(n), except for one wrong answer in 2^60
//! (9·10^-19) that happens to agree. The prime is drawn for each run, so no server can be off by a multiple of
//! it, whether by accident or on purpose.

mod facts;
mod field;
mod reader;

pub use facts::{digits, residue};
pub use field::Field;
pub use reader::{Expected, Flaw, Reader};

#[cfg(test)]
mod tests;
