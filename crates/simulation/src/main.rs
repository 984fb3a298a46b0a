//! `simulation`: many seeds, a table, and for a failure the shortest history found. `cargo xtask sim` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks on its streams")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match alphec_simulation::command::run(std::env::args().skip(1), &mut |line| println!("{line}"), &|line| {
        eprint!("\r{line}");
    }) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(usage) => {
            eprintln!("{usage}");
            ExitCode::from(2)
        }
    }
}
