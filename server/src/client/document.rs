//! A configuration on its way from a file: read, with its variables put in, every mistake with its
//! line.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use busbar_model::{
    bounds::CONFIGURATION_BYTES_MAX,
    configuration::{Document, Mistake, Node, variables::Unfit, yaml},
};

use super::{failure::Usage, variables::Values};

/// A file, and what it says.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) node: Node,
    /// What could be read of it.
    pub(crate) document: Document,
    pub(crate) mistakes: Vec<Mistake>,
}

impl Source {
    /// Reads a file; `-` is standard input. Fails only where there is nothing to read.
    pub(crate) fn read(path: &Path, values: &Values) -> anyhow::Result<Self> {
        let refuse = |reason: String| Usage::error(format!("{} {reason}", path.display()));
        let text = text(path).map_err(|error| refuse(format!("can't be read: {error}")))?;
        let mut node = match yaml::read(&text) {
            Ok(node) => node,
            Err(error) => {
                let mistake = mistake(Some(error.line), error.message);
                let node = Node { line: None, content: busbar_model::configuration::node::Content::Null };
                return Ok(Self {
                    path: path.to_owned(),
                    node,
                    document: Document::default(),
                    mistakes: vec![mistake],
                });
            }
        };
        let mut mistakes = Vec::new();
        for (line, unfit) in node.fill(&mut |name| values.get(name)) {
            // The others are told of when they are read, with their place.
            if matches!(unfit, Unfit::Missing(_)) {
                mistakes.push(mistake(line, unfit.to_string()));
            }
        }
        let (document, more) = Document::parts(&node);
        mistakes.extend(more);
        Ok(Self { path: path.to_owned(), node, document, mistakes })
    }

    /// `busbar.yaml:7: channels.a.path: …`
    pub(crate) fn told(&self, mistake: &Mistake) -> String {
        let line = mistake.line.or_else(|| self.node.line_of(&mistake.path));
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let without_line = Mistake { line: None, ..mistake.clone() };
        format!("{}{line}: {without_line}", self.path.display())
    }
}

fn mistake(line: Option<usize>, message: String) -> Mistake {
    Mistake { path: String::new(), line, message, variable: None }
}

fn text(path: &Path) -> io::Result<String> {
    let input: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut text = String::new();
    // One byte more than is allowed, so that what is too large is seen to be.
    input.take(CONFIGURATION_BYTES_MAX + 1).read_to_string(&mut text)?;
    Ok(text)
}
