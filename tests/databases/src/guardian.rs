//! Outlives the test to clean up after it: a test that is killed drops nothing.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Reads nothing until the end of its input, which comes when the test's process is gone. `$1` is the folder.
const OF_ONE: &str = r#"
cat >/dev/null
[ -f "$1/server.pid" ] && kill -9 "$(cat "$1/server.pid")"
rm -rf "$1"
"#;

/// Waits until nobody has had the lock `users` for a while. `$1` is the folder. Who wants to use the server has
/// `start` while taking `users`, so that it is either there or seen to be gone.
const OF_ALL: &str = r#"
while :; do
    flock -x "$1/users" true
    sleep 10
    exec 9>"$1/start"
    flock -x 9
    if flock -xn "$1/users" true; then
        pid="$(cat "$1/server/server.pid")"
        kill -9 "$pid"
        while kill -0 "$pid"; do sleep 0.1; done
        rm -rf "$1/server"
        exit
    fi
    exec 9>&-
done
"#;

/// Kills one test's server and removes its folder, when it is dropped.
#[derive(Debug)]
pub(crate) struct Guardian(Child);

impl Guardian {
    pub(crate) fn of(folder: &Path) -> Self {
        Self(spawn(OF_ONE, folder, Stdio::piped()))
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Its own errors are none of the test's business.
        let _ = self.0.wait();
    }
}

/// Ends the server that tests share when none of them is left, and removes its files.
pub(crate) fn watch(folder: &Path) {
    drop(spawn(OF_ALL, folder, Stdio::null()));
}

fn spawn(script: &str, folder: &Path, input: Stdio) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script, "guardian"]).arg(folder);
    // In a group of its own: what ends a test's group must not end it.
    command.stdin(input).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.current_dir("/").spawn().expect("sh starts")
}
