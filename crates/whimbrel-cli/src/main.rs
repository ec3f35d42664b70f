//! The tool `whimbrel`.
fn main() {}
