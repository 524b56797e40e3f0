//! What a file is, before anything of it runs.

use busbar_model::{bounds::COMPONENT_NAMES_MAX, plugin::Kind};
use wasmtime::component::{Component, types::ComponentItem};

use crate::{compile::CompileError, engine::Engine};

/// Exports by which a plugin is known.
const BUS_SERVICE: &str = "busbar:bus/service@0.1.";
const WASI_HTTP_HANDLER: &str = "wasi:http/incoming-handler@0.2.";

const MAGIC: &[u8; 4] = b"\0asm";
/// Version 1 in layer 0: what compilers made before components.
const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];

/// Refuses at once what is no component, with a hint that helps.
pub(crate) fn header(bytes: &[u8]) -> Result<(), CompileError> {
    match (bytes.get(..4), bytes.get(4..8)) {
        (Some(magic), _) if magic != MAGIC => Err(CompileError::NotWasm),
        (Some(_), Some(version)) if version == CORE_MODULE => Err(CompileError::CoreModule),
        (Some(_), Some(_)) => Ok(()),
        _ => Err(CompileError::NotWasm),
    }
}

/// The kind of plugin, and the interfaces it imports.
pub(crate) fn surface(engine: &Engine, component: &Component) -> Result<(Kind, Vec<String>), CompileError> {
    let ty = component.component_type();
    let imports = ty.imports(&engine.inner).map(|(name, _)| name.to_owned()).collect();
    let exports: Vec<String> = ty
        .exports(&engine.inner)
        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
        .map(|(name, _)| name.to_owned())
        .collect();
    for (what, number) in
        [("imports", ty.imports(&engine.inner).count()), ("exports", ty.exports(&engine.inner).count())]
    {
        if number > COMPONENT_NAMES_MAX {
            return Err(CompileError::TooManyNames { what, number });
        }
    }
    let has = |prefix: &str| exports.iter().any(|name| name.starts_with(prefix));
    if has(BUS_SERVICE) {
        Ok((Kind::Bus, imports))
    } else if has(WASI_HTTP_HANDLER) {
        Ok((Kind::WasiHttp, imports))
    } else {
        let listed = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        Err(CompileError::NoService { exports: listed })
    }
}
