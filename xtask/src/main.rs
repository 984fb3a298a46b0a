//! `cargo xtask`: the project's own tasks, one file per step.
//!
//! Whatever CI checks, a developer can run with the same words. A Rust toolchain, a C compiler and Python are
//! all that it may need; what a step needs beyond them it installs into the project's own folders.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks on its streams")]

mod args;
mod bench;
mod ci;
mod clients;
mod clippy;
mod command;
mod compare;
mod demo;
mod docs;
mod fmt;
mod hooks;
mod layers;
mod python;
mod report;
mod sim;
mod soak;
mod step;
mod test;
mod tidy;
mod torture;
mod workspace;

use std::process::ExitCode;

use args::Request;
use step::Context;

/// A step failed.
const FAILED: u8 = 1;
/// The command line made no sense.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let request = match args::parse(std::env::args().skip(1)) {
        Ok(request) => request,
        Err(message) => {
            eprintln!("{message}\n\n{}", args::help());
            return ExitCode::from(USAGE);
        }
    };
    match request {
        Request::Help => {
            println!("{}", args::help());
            ExitCode::SUCCESS
        }
        Request::Run { steps, flags, words } => match workspace::root() {
            Ok(root) => run(&Context { root, flags, words }, &steps),
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::from(FAILED)
            }
        },
    }
}

fn run(context: &Context, steps: &[step::Step]) -> ExitCode {
    if report::run_all(context, steps) { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}
