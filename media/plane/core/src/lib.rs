//! The forwarding plane's protocol core: no I/O, no clock, no unsafe. Bytes, time and randomness come in as arguments.

pub mod command;
