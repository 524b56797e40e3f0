//! Outlives the test to clean up after it: a test that is killed drops nothing.

use std::{
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Reads nothing until the end of its input, which comes when the test's process is gone. `$1` is the folder.
const SCRIPT: &str = r#"
cat >/dev/null
for file in "$1"/*.pid; do
    [ -f "$file" ] && kill -9 "$(cat "$file")"
done
rm -rf "$1"
"#;

/// Kills what the files `*.pid` of a folder name, and removes the folder, when it is dropped.
#[derive(Debug)]
pub(crate) struct Guardian(Child);

impl Guardian {
    pub(crate) fn of(folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "guardian"]).arg(folder);
        // In a group of its own: what ends a test's group must not end it.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self(command.current_dir("/").spawn().expect("sh starts"))
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Its own errors are none of the test's business.
        let _ = self.0.wait();
    }
}
