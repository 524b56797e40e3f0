//! `busbar completions`: what a shell needs to complete the command line.

use std::io::{self, Write as _};

use clap::Command;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar completions bash > ~/.local/share/bash-completion/completions/busbar\n  busbar completions zsh > ~/.zfunc/_busbar\n  busbar completions fish > ~/.config/fish/completions/busbar.fish"
)]
pub(crate) struct Args {
    /// Whose completions.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script to standard output.
pub(crate) fn run(args: &Args, whole: &Command) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(&script(args.shell, whole)) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn script(shell: Shell, whole: &Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut for_people(whole), "busbar", &mut script);
    script
}

/// The command without what its processes start each other by: the generators show hidden commands too.
fn for_people(whole: &Command) -> Command {
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new("busbar")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .args(whole.get_arguments())
        .subcommands(shown)
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::{Command, ValueEnum as _};
    use clap_complete::Shell;

    /// The scripts for all shells.
    pub(crate) fn scripts(whole: &Command) -> Vec<(Shell, String)> {
        let script = |shell: &Shell| (*shell, String::from_utf8(super::script(*shell, whole)).unwrap());
        Shell::value_variants().iter().map(script).collect()
    }
}
