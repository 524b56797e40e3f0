//! `make bench`: figures of the bus beside a bare hyper server, taken in the same run on the same machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot go on panics, and its output is a table"
)]

mod cpu;
mod deploy;
mod floor;
mod load;
mod neighbours;
mod rounds;
mod soap;
mod start;
mod state;
mod statistics;

use clap::{Parser, Subcommand};

/// Measures the bus; prints Markdown.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Short rounds: to see that it works.
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the bare hyper server alone, until it is ended; prints its address.
    Floor,
    /// One process of the bare hyper server; its listener is its standard input.
    #[command(hide = true)]
    FloorWorker,
    /// Sends what it reads from standard input again and again; prints what came of it.
    #[command(hide = true)]
    Load(load::Options),
}

fn main() {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Floor) => floor::run(),
        Some(Command::FloorWorker) => floor::work(),
        Some(Command::Load(options)) => load::run(&options),
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(measure(arguments.quick));
        }
    }
}

async fn measure(quick: bool) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("# Busbar, measured on {cores} cores\n");
    rounds::report(quick).await;
    soap::report(quick).await;
    state::report(quick).await;
    neighbours::report(quick).await;
    deploy::report(quick).await;
    start::report(quick).await;
}
