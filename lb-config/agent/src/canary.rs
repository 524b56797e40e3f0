//! One request through each plain address that the front end listens at.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use busbar_lb_config::{Document, FRONTEND};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// For one request.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Where to knock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    place: Place,
    /// Without TLS and without a preamble of another proxy: there a request can be sent.
    plain: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Those of the front end that is the bus's own. A range of ports, or a name, is nothing that one can knock at.
pub(crate) fn doors(document: &Document) -> Vec<Door> {
    let sections = document.of_kind("frontend").filter(|section| section.name().as_deref() == Some(FRONTEND));
    let binds =
        sections.flat_map(|section| section.statements()).filter(|directive| directive.keyword() == "bind");
    binds
        .flat_map(|bind| {
            let words = bind.texts();
            let plain = !words.iter().any(|word| ["ssl", "accept-proxy"].contains(&word.as_str()));
            let places = words.get(1).map(|places| places.split(',').filter_map(place).collect::<Vec<_>>());
            places.unwrap_or_default().into_iter().map(move |place| Door { place, plain })
        })
        .collect()
}

fn place(text: &str) -> Option<Place> {
    if let Some(path) = text.strip_prefix("unix@").or_else(|| text.starts_with('/').then_some(text)) {
        return Some(Place::Unix(PathBuf::from(path)));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let ip = match host.trim_start_matches('[').trim_end_matches(']') {
        "" | "*" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().ok()?,
    };
    // What listens everywhere listens here.
    let ip = match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Some(Place::Tcp(SocketAddr::new(ip, port)))
}

/// Whether it answers as it should: with 200, or, where no server can, with 503. A door with TLS has to open only.
pub(crate) async fn knock(door: &Door, path: &str, servers: bool) -> Result<(), String> {
    let name = match &door.place {
        Place::Tcp(address) => address.to_string(),
        Place::Unix(path) => path.display().to_string(),
    };
    let status = match timeout(TIMEOUT, try_knock(door, path)).await {
        Err(_) => return Err(format!("{name} does not answer {path} within 3 s")),
        Ok(Err(error)) => return Err(format!("{name} does not answer {path}: {error}")),
        Ok(Ok(status)) => status,
    };
    match status {
        None | Some(200) => Ok(()),
        Some(503) if !servers => Ok(()),
        Some(status) => Err(format!("{name} answers {path} with {status}, not 200")),
    }
}

async fn try_knock(door: &Door, path: &str) -> io::Result<Option<u16>> {
    match &door.place {
        Place::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            if door.plain { get(stream, path).await.map(Some) } else { Ok(None) }
        }
        Place::Unix(socket) => {
            let stream = UnixStream::connect(socket).await?;
            if door.plain { get(stream, path).await.map(Some) } else { Ok(None) }
        }
    }
}

/// The answer's status.
async fn get(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> io::Result<u16> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: busbar\r\nUser-Agent: busbar-lb-agent\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.contains(&b'\n') && head.len() < 1_024 {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let status =
        head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_those_of_the_bus_and_local() {
        let text = "frontend busbar\n bind *:1\n bind 10.0.0.1:2 ssl crt /x\n bind unix@/run/f.sock mode 660\n bind [::]:3,:4\n bind h:5\n bind *:6-9\n bind :7 accept-proxy\nfrontend other\n bind *:8\n";
        let doors = doors(&busbar_lb_config::parse(text).unwrap());
        let found: Vec<String> =
            doors.iter().map(|door| format!("{:?} {}", door.place, door.plain)).collect();
        assert_eq!(
            found,
            [
                "Tcp(127.0.0.1:1) true",
                "Tcp(10.0.0.1:2) false",
                "Unix(\"/run/f.sock\") true",
                "Tcp([::1]:3) true",
                "Tcp(127.0.0.1:4) true",
                "Tcp(127.0.0.1:7) false",
            ]
        );
    }
}
