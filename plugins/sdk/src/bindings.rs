//! What wit-bindgen makes of `plugins/wit`.

#![allow(
    missing_docs,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::too_many_lines,
    reason = "generated code; its calls over the component boundary are the only unsafe ones of the SDK"
)]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export_plugin",
    default_bindings_module: "busbar_sdk::bindings",
});
