//! `busbar balancer keepalived`: the file by which keepalived gives the balancers of several hosts one address.

use std::net::IpAddr;

use anyhow::Context as _;
use busbar_lb_config::{
    Bounded,
    keepalived::{Check, Command, Draft, Initial, VirtualAddress, Vrrp, Word, render},
};
use serde_json::json;

use super::layout;
use crate::{
    client::{Session, failure::Usage},
    parent::Origin,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  busbar balancer keepalived --dir /var/lib/busbar-lb --interface eth0 --address 192.0.2.10/24 --router-id 51 --priority 150 >/etc/keepalived/keepalived.conf\n  busbar balancer keepalived --dir /var/lib/busbar-lb --interface eth0 --address 192.0.2.10/24 --router-id 51 --priority 100 --source 192.0.2.2 --peer 192.0.2.1"
)]
pub(crate) struct Args {
    /// The network interface that is to have the address, such as eth0.
    #[arg(long, value_name = "NAME", value_parser = Word::new)]
    interface: Word,
    /// The address that balancers share, with its prefix, such as 192.0.2.10/24; may be given again.
    #[arg(long = "address", required = true, value_name = "ADDRESS/PREFIX", value_parser = VirtualAddress::new)]
    addresses: Vec<VirtualAddress>,
    /// 1 to 255: the same on all balancers that share the address, and of no others on that network.
    #[arg(long, value_name = "N", value_parser = bounded::<1, 255>)]
    router_id: Bounded<1, 255>,
    /// 1 to 254: the highest of those that are well has the address; among equals it stays where it is.
    #[arg(long, value_name = "N", value_parser = bounded::<1, 254>)]
    priority: Bounded<1, 254>,
    /// Where another balancer is, for networks without multicast; may be given again.
    #[arg(long = "peer", value_name = "ADDRESS", requires = "source")]
    peers: Vec<IpAddr>,
    /// This host's own address; goes with --peer.
    #[arg(long, value_name = "ADDRESS", requires = "peers")]
    source: Option<IpAddr>,
    /// 100 to 10000: milliseconds between two signs of life, of which three missed are a balancer lost.
    #[arg(long, value_name = "N", default_value = "500", value_parser = bounded::<100, 10_000>)]
    advertise_ms: Bounded<100, 10_000>,
    /// What keepalived calls it in its log.
    #[arg(long, value_name = "NAME", default_value = "busbar", value_parser = Word::new)]
    instance: Word,
}

fn bounded<const MIN: u64, const MAX: u64>(text: &str) -> Result<Bounded<MIN, MAX>, String> {
    let number: u64 = text.parse().map_err(|_| format!("whole numbers from {MIN} to {MAX} are allowed"))?;
    Bounded::try_from(number).map_err(|error| error.to_string())
}

pub(super) fn run(session: &mut Session, args: Args) -> anyhow::Result<()> {
    let folder = layout(session)?.root().display().to_string();
    let program = Origin::of_this_process().context("failed to find this program")?.program;
    let text = file(args, &program.display().to_string(), &folder)?;
    match session.output.json() {
        true => Ok(session.output.value(&json!({ "file": text }))?),
        false => Ok(session.output.bytes(text.as_bytes())?),
    }
}

/// HAProxy is asked by `program`, which stands in the file by its path.
fn file(args: Args, program: &str, folder: &str) -> Result<String, Usage> {
    let wrong = |error: &dyn std::error::Error| Usage(error.to_string());
    let words = [program, folder];
    if let Some(spaced) = words.iter().find(|word| word.contains(' ')) {
        return Err(Usage(format!("{spaced:?} can't stand in keepalived's configuration: it has a space")));
    }
    let command = Command::new(&format!("{program} balancer check --dir {folder}"));
    let command = command.map_err(|error| wrong(&error))?;
    // It has asked again and again before it fails.
    let check = Check { fall: Bounded::nearest(1), timeout_s: Bounded::nearest(2), ..Check::new(command) };
    let draft = Draft {
        instance: args.instance,
        interface: args.interface,
        router_id: args.router_id,
        priority: args.priority,
        initial: Initial::Backup,
        addresses: args.addresses,
        peers: args.peers,
        source: args.source,
        check,
        advertise_ms: args.advertise_ms,
    };
    Ok(render(&Vrrp::new(draft).map_err(|error| wrong(&error))?))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Args, file};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    const GOOD: &str = "--interface eth0 --router-id 51 --priority 150 --address 192.0.2.10/24";

    fn asked(line: &str) -> Result<String, String> {
        let words = std::iter::once("keepalived").chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        file(cli.args, "/usr/bin/busbar", "/var/lib/busbar-lb").map_err(|error| error.to_string())
    }

    #[test]
    fn haproxy_is_asked_by_this_program() {
        let text = asked(GOOD).unwrap();
        let check = "    script \"/usr/bin/busbar balancer check --dir /var/lib/busbar-lb\"\n";
        for line in [check, "    interface eth0\n", "    priority 150\n", "    advert_int 0.50\n"] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("unicast"), "{text}");
        let text = asked(&format!("{GOOD} --source 192.0.2.1 --peer 192.0.2.2 --peer 192.0.2.3")).unwrap();
        assert!(text.contains("unicast_src_ip 192.0.2.1\n"), "{text}");
        assert!(text.contains("        192.0.2.2\n        192.0.2.3\n"), "{text}");
    }

    #[test]
    fn what_can_not_be_is_refused_by_its_name() {
        for (part, instead, reason) in [
            ("--address 192.0.2.10/24", "", "--address <ADDRESS/PREFIX>"),
            ("192.0.2.10/24", "192.0.2.10", "with its prefix"),
            ("eth0", "eth0/1", "1 to 15 of letters"),
            ("--router-id 51", "--router-id 0", "1 to 255"),
            ("--priority 150", "--priority 255", "1 to 254"),
            ("--priority 150", "--priority high", "whole numbers from 1 to 254"),
        ] {
            let error = asked(&GOOD.replace(part, instead)).unwrap_err();
            assert!(error.contains(reason), "{instead}: {error}");
        }
        for (more, reason) in [
            ("--advertise-ms 50", "100 to 10000"),
            ("--peer 192.0.2.2", "--source"),
            ("--source 192.0.2.1", "--peer"),
            ("--source 192.0.2.1 --peer 192.0.2.1", "among the peers"),
            ("--source ::1 --peer ::2", "of the addresses' kind"),
            ("--address 192.0.2.10/24", "is there twice"),
        ] {
            let error = asked(&format!("{GOOD} {more}")).unwrap_err();
            assert!(error.contains(reason), "{more}: {error}");
        }
    }

    #[test]
    fn a_path_with_a_space_is_named() {
        let cli = Cli::try_parse_from(std::iter::once("keepalived").chain(GOOD.split(' '))).unwrap();
        let error = file(cli.args, "/usr/bin/busbar", "/srv/my balancer").unwrap_err().to_string();
        assert!(error.starts_with("\"/srv/my balancer\" can't stand"), "{error}");
    }
}
