//! A gateway for tests in other languages: serves until its standard input ends.
//!
//! `serve [--server-version N] [--listen ADDR] [--accounts A,B=250000] [--read-only] [--walk] [--manual]`
//! prints `listening on ADDR, control port ADDR` once it does. With `--manual` its clock stands still.

use std::error::Error;
use std::io::{Write, stdin, stdout};

use alphec_twsim::venue::AccountConfig;
use alphec_twsim::{Clock, Gateway, GatewayBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let gateway = runtime.block_on(builder(std::env::args().skip(1))?.start())?;
    let control = gateway.control_addr().ok_or("no control port")?;
    writeln!(stdout(), "listening on {}, control port {control}", gateway.addr())?;
    for line in stdin().lines() {
        line?;
    }
    runtime.block_on(gateway.stop());
    Ok(())
}

fn builder(mut args: impl Iterator<Item = String>) -> Result<GatewayBuilder, Box<dyn Error>> {
    let mut builder = Gateway::builder().fixed_prices().control("127.0.0.1:0");
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        builder = match arg.as_str() {
            "--server-version" => builder.server_version(value()?.parse()?),
            "--listen" => builder.listen(&value()?),
            "--accounts" => {
                for account in value()?.split(',') {
                    builder = builder.account_config(account.parse::<AccountConfig>()?);
                }
                builder
            }
            "--read-only" => builder.with(|config| config.read_only = true),
            "--walk" => builder.walk_every(std::time::Duration::from_millis(100)),
            "--manual" => builder.clock(Clock::STILL),
            _ => return Err(format!("unknown argument {arg}").into()),
        };
    }
    Ok(builder)
}
