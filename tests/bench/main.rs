//! `make bench`: figures of the bus beside a bare hyper server, taken in the same run on the same machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot go on panics, and its output is a table"
)]

mod amqp;
mod cluster;
mod cpu;
mod crowd;
mod deploy;
mod floor;
mod jobs;
mod load;
mod neighbours;
mod rounds;
mod scale;
mod soap;
mod sqlite;
mod start;
mod state;
mod statistics;
mod subject;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures the bus; prints Markdown.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Short rounds: to see that it works.
    #[arg(long)]
    quick: bool,
    /// Only these parts, by name.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Requests beside the floor, and what each stage costs.
    Requests,
    /// More workers, channels and bytes; calls within calls.
    Scale,
    /// SOAP beside REST.
    Soap,
    /// What calls keep and hand over.
    State,
    /// Jobs that are not due, and a thousand a second that are.
    Jobs,
    /// Messages of queues, and messages that are published.
    Amqp,
    /// Drop to live, rollback, swaps under load.
    Deploy,
    /// Callers beside plugins that spin.
    Neighbours,
    /// Idle connections, and honest callers beside slow ones.
    Crowd,
    /// Start, idle memory, memory after many calls.
    Start,
    /// Several servers: how soon all know, joining, the hop.
    Cluster,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the bare hyper server alone, until it is ended; prints its address.
    Floor,
    /// Measures a cluster, with the binary that `BUSBAR_BIN` names.
    #[command(hide = true)]
    Cluster,
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
        Some(Command::Cluster) => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime can be built").block_on(cluster::measure(arguments.quick));
        }
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(measure(arguments.quick, &arguments.only));
        }
    }
}

async fn measure(quick: bool, only: &[Part]) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("# Busbar, measured on {cores} cores\n");
    for part in Part::value_variants() {
        if !only.is_empty() && !only.contains(part) {
            continue;
        }
        match part {
            Part::Requests => rounds::report(quick).await,
            Part::Scale => scale::report(quick).await,
            Part::Soap => soap::report(quick).await,
            Part::State => state::report(quick).await,
            Part::Jobs => jobs::report(quick).await,
            Part::Amqp => amqp::report(quick).await,
            Part::Deploy => deploy::report(quick).await,
            Part::Neighbours => neighbours::report(quick).await,
            Part::Crowd => crowd::report(quick).await,
            Part::Start => start::report(quick).await,
            Part::Cluster => cluster::report(quick),
        }
    }
}
