//! Branches that `git gc` put into one file (gitformat: `packed-refs`).

use std::{fs, io, path::Path};

use crate::error::Error;

/// The digits behind a branch's name.
pub(super) fn find(repository: &Path, branch: &str) -> Result<Option<String>, Error> {
    let path = repository.join("packed-refs");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(in_text(&text, branch)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&path)(error)),
    }
}

fn in_text(text: &str, branch: &str) -> Option<String> {
    let lines = text.lines().filter(|line| !line.starts_with(['#', '^']));
    let mut named = lines.filter_map(|line| line.split_once(' '));
    named.find(|(_, name)| name.trim() == branch).map(|(id, _)| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::in_text;

    #[test]
    fn is_found_by_its_whole_name() {
        let text =
            "# pack-refs with: peeled fully-peeled sorted \nab refs/heads/main2\ncd refs/heads/main\n^ef\n";
        assert_eq!(in_text(text, "refs/heads/main").as_deref(), Some("cd"));
        assert_eq!(in_text(text, "refs/heads/mai"), None);
        assert_eq!(in_text("", "refs/heads/main"), None);
    }
}
