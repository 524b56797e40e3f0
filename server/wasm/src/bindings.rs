//! Rust types of the `busbar:bus` package, generated from `plugins/wit`.

wasmtime::component::bindgen!({
    path: "../../plugins/wit",
    world: "plugin",
    imports: {
        "busbar:bus/invoke": async | trappable,
        "busbar:bus/deliver": async | trappable,
        "busbar:bus/amqp": async | trappable,
        "busbar:bus/kv.get": async | trappable,
        "busbar:bus/kv.increment": async | trappable,
        "busbar:bus/kv.list": async | trappable,
        "busbar:bus/types.[method]body.read": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: { "busbar:bus/types.body": crate::host::body::BodyHandle },
});
