//! The link as a program: a JSON object a line on standard input, an answer a line on standard output; it ends with its input.

/// A link that waits for a processor delays packets that it should not.
const NICE: i32 = -15;

fn main() -> std::io::Result<()> {
    // Only where it may; elsewhere `lateness` in the stats says what the load costs.
    let _may_be_refused = rustix::process::nice(NICE);
    link::shell::run()
}
