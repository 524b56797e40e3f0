//! Rust types of the `busbar:bus` package, generated from `plugins/wit`.

wasmtime::component::bindgen!({
    path: "../../plugins/wit",
    world: "plugin",
    imports: {
        "busbar:bus/invoke": async | trappable,
        "busbar:bus/deliver": async | trappable,
        "busbar:bus/amqp": async | trappable,
        "busbar:bus/http": async | trappable,
        "busbar:bus/soap": async | trappable,
        "busbar:bus/sql.query": async | trappable,
        "busbar:bus/sql.execute": async | trappable,
        "busbar:bus/sql.open": async | trappable,
        "busbar:bus/sql.begin": async | trappable,
        "busbar:bus/sql.[method]cursor.next": async | trappable,
        "busbar:bus/sql.[method]transaction.query": async | trappable,
        "busbar:bus/sql.[method]transaction.execute": async | trappable,
        "busbar:bus/sql.[method]transaction.commit": async | trappable,
        "busbar:bus/sql.[method]transaction.rollback": async | trappable,
        "busbar:bus/kv.get": async | trappable,
        "busbar:bus/kv.increment": async | trappable,
        "busbar:bus/kv.list": async | trappable,
        "busbar:bus/types.[method]body.read": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "busbar:bus/types.body": crate::host::body::BodyHandle,
        "busbar:bus/sql.cursor": crate::host::sql::CursorHandle,
        "busbar:bus/sql.transaction": crate::host::sql::TransactionHandle,
    },
});
