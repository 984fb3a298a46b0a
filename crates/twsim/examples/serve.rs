//! A gateway for tests in other languages: serves until its standard input ends.
//!
//! `serve [--server-version N] [--listen ADDR] [--accounts A,B=250000] [--read-only] [--walk]` prints
//! `listening on ADDR` once it does. Standard input takes `price SYMBOL VALUE` lines, so that a test can move
//! the market; each is answered by `ok` or `unknown`.

use std::error::Error;
use std::io::{Write, stdin, stdout};

use alphec_twsim::venue::AccountConfig;
use alphec_twsim::{Gateway, GatewayBuilder, GatewayHandle};

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let gateway = runtime.block_on(builder(std::env::args().skip(1))?.start())?;
    writeln!(stdout(), "listening on {}", gateway.addr())?;
    for line in stdin().lines() {
        writeln!(stdout(), "{}", if obey(&gateway, &line?) { "ok" } else { "unknown" })?;
    }
    runtime.block_on(gateway.stop());
    Ok(())
}

fn builder(mut args: impl Iterator<Item = String>) -> Result<GatewayBuilder, Box<dyn Error>> {
    let mut builder = Gateway::builder().fixed_prices();
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
            _ => return Err(format!("unknown argument {arg}").into()),
        };
    }
    Ok(builder)
}

fn obey(gateway: &GatewayHandle, line: &str) -> bool {
    let mut words = line.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("price"), Some(symbol), Some(price)) => {
            price.parse().is_ok_and(|price| gateway.set_price(symbol, price))
        }
        _ => false,
    }
}
