//! What systemd gives a server and hears of it, by its protocols alone.

use std::{fs, os::unix::net::UnixDatagram, time::Duration};

use busbar_tests::{Client, Folder, Request, artifact, poll, process};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Binds a socket, makes it descriptor 3, says so as systemd does, and becomes the program.
const LAUNCHER: &str = "import os, socket, sys\n\
    s = socket.socket()\n\
    s.bind(('127.0.0.1', 0))\n\
    s.listen(64)\n\
    s.set_inheritable(True)\n\
    if s.fileno() != 3: os.dup2(s.fileno(), 3)\n\
    os.environ['BUSBAR_HTTP_LISTEN'] = '127.0.0.1:%d' % s.getsockname()[1]\n\
    os.environ['LISTEN_PID'], os.environ['LISTEN_FDS'] = str(os.getpid()), '1'\n\
    os.execv(sys.argv[1], sys.argv[1:])\n";

#[tokio::test]
async fn sockets_that_are_handed_over_are_used_and_kept() {
    let folder = Folder::default();
    let notify = folder.root().join("notify");
    let systemd = UnixDatagram::bind(&notify).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let model = folder.busbar();
    let mut command = std::process::Command::new("python3");
    command.args(["-c", LAUNCHER]).arg(artifact::binary()).arg("server").arg("--dir").arg(folder.dir());
    for (name, value) in model.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("BUSBAR_OPS_LISTEN", "127.0.0.1:0").env("BUSBAR_WORKERS_COUNT", "1");
    command.env("NOTIFY_SOCKET", &notify).current_dir(folder.root());
    let mut server = command.spawn().expect("python3 starts");

    // That it starts at all shows that it did not bind the address, which is taken.
    let mut said = Vec::new();
    while !said.iter().any(|text: &String| text.starts_with("READY=1")) {
        let mut text = [0; 256];
        let bytes = systemd.recv(&mut text).expect("it says when it is ready");
        said.push(String::from_utf8_lossy(&text[..bytes]).into_owned());
    }
    assert!(said.contains(&"FDSTORE=1\nFDNAME=http".to_owned()), "{said:?}");
    assert!(said.contains(&"FDSTORE=1\nFDNAME=ops".to_owned()), "{said:?}");
    let endpoints: Value =
        serde_json::from_str(&fs::read_to_string(folder.path("endpoints.json")).unwrap()).unwrap();
    let client = Client::new(endpoints["http"].as_str().unwrap());
    client.send(&Request::get("/_busbar/ping")).await.expect_status(200);
    // After a reload the numbers mean something else.
    let dir = folder.dir();
    folder.run(&["reload", "--dir", dir.to_str().unwrap()]).await.expect(0);
    client.send(&Request::get("/_busbar/ping")).await.expect_status(200);
    process::signal(server.id(), Signal::SIGTERM);
    assert!(server.wait().unwrap().success());
    poll::until_true("the end of all", poll::CHANGE_BOUND, async || {
        process::of_folder(folder.root()).is_empty()
    })
    .await;
}
