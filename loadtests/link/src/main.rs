//! The link as a program: a JSON object a line on standard input, an answer a line on standard output; it ends with its input.

fn main() -> std::io::Result<()> {
    link::shell::run()
}
