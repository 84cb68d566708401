//! The link's shell: sockets, one timer, and the control on standard input and output. No decisions here.

mod clock;
mod control;
mod flows;
mod lateness;
mod run;
mod streams;

pub use run::run;
