//! Asking a node to evaluate Erlang.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

#[derive(Debug)]
pub(crate) struct Control {
    node: String,
    epmd_port: u16,
    folder: PathBuf,
}

impl Control {
    pub(crate) fn new(node: String, epmd_port: u16, folder: PathBuf) -> Self {
        Self { node, epmd_port, folder }
    }

    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// What node and callers have in common: the name service, and the folder with the cookie.
    pub(crate) fn environment(&self, command: &mut Command) {
        command
            .env("HOME", &self.folder)
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1");
    }

    /// The text that an expression, whose value is an `iolist`, comes to.
    pub(crate) fn try_evaluate(&self, expression: &str) -> Result<String, String> {
        let cookie = fs::read_to_string(self.folder.join(".erlang.cookie"));
        let cookie = cookie.map_err(|error| format!("no cookie yet: {error}"))?;
        let mut command = Command::new("erl_call");
        command.args(["-sname", &self.node, "-c", cookie.trim(), "-e"]);
        self.environment(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("failed to start erl_call: {error}"))?;
        let wrapped = format!("base64:encode_to_string(iolist_to_binary(begin {expression} end)).\n");
        if let Some(mut input) = child.stdin.take() {
            input.write_all(wrapped.as_bytes()).map_err(|error| error.to_string())?;
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let value = printed.strip_prefix("{ok, ").ok_or_else(|| format!("{printed}{errors}"))?;
        let bytes = STANDARD.decode(quoted(value)).map_err(|error| format!("{error}: {printed}"))?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }
}

/// What stands between quotation marks; nothing does if the text is empty.
fn quoted(printed: &str) -> String {
    printed.split('"').skip(1).step_by(2).collect()
}

/// An Erlang binary of these bytes.
pub(crate) fn binary(bytes: &[u8]) -> String {
    format!("base64:decode(\"{}\")", STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_taken() {
        assert_eq!(quoted("\"YWJjZGVm\"}"), "YWJjZGVm");
        assert_eq!(quoted("[]}"), "");
    }

    #[test]
    fn any_bytes_can_be_said() {
        assert_eq!(binary(b"\"\0x"), "base64:decode(\"IgB4\")");
    }
}
