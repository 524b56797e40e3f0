//! The `busbar` binary: every process of the bus and the command line that drives it.

mod access_log;
mod admin_process;
mod backup;
mod boot;
mod causes;
mod check;
mod cli;
mod client;
mod clock;
mod compile_process;
mod completions;
mod config_history;
mod control;
mod descriptors;
mod endpoint;
mod events;
mod feed;
mod layout;
mod lb_agent;
mod log_file;
mod logging;
mod master_key;
mod membership;
mod outgoing;
mod parent;
mod ping;
mod quickstart;
mod reload;
mod restore;
mod settings;
mod singleton;
mod stop;
mod sys;
mod testing;
mod trouble;
mod worker;
mod wsdl;

use std::process::ExitCode;

/// Small things are allocated and freed by the dozen in each request.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for huge pages, and is given 2 MiB where it touches 4 KiB: half of what an idle process takes.
    // Processes that are started by this one inherit it. A kernel that knows none has nothing to refuse.
    let _ = nix::sys::prctl::set_thp_disable(true);
    cli::run()
}
