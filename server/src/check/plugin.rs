//! A plugin's file, as its deployment would see it: compiled and asked what it is, in a process of its
//! own.

use std::{fs, path::Path};

use busbar_model::{Name, bounds::PLUGIN_BYTES_MAX, plugin::Description};

use crate::{boot::Boot, compile_process::Order, layout::Layout, settings::Settings, singleton::compiler};

/// What the component says of itself, or why it would be refused.
pub(super) async fn describe(path: &Path) -> Result<Description, String> {
    let unreadable = |error: std::io::Error| format!("it can't be read: {error}");
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > PLUGIN_BYTES_MAX {
        return Err(format!("it has {bytes} bytes; a plugin has {PLUGIN_BYTES_MAX} at most"));
    }
    // Quick, so that what is no component at all costs no process.
    busbar_wasm::validate(&fs::read(path).map_err(unreadable)?).map_err(|error| error.to_string())?;
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let stem = Name::from_stem(stem).map_err(|error| error.to_string())?;
    let folder = |error: std::io::Error| format!("a folder to compile it in can't be made: {error}");
    // Gone at the end, with the machine code that nobody will run.
    let scratch = tempfile::tempdir().map_err(folder)?;
    let layout = Layout::create(scratch.path()).map_err(folder)?;
    let core = Boot::new(layout, Settings::default(), String::new(), String::new(), String::new());
    let source = fs::canonicalize(path).map_err(unreadable)?;
    let order = Order { stem, source, artifact: scratch.path().join("artifact"), core };
    compiler::run(&order).await.map_err(|failure| failure.to_string())
}
