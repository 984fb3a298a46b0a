//! The command line `alphec-exec`.
fn main() {}
