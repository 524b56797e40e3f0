//! The tables as queries see them; `migrations/` makes them.

mod of_cluster;

pub(crate) use self::of_cluster::*;

diesel::table! {
    meta (id) {
        id -> Integer,
        incarnation -> Text,
        change_head -> BigInt,
        deployment_head -> BigInt,
    }
}

diesel::table! {
    change_log (number) {
        number -> BigInt,
        object_kind -> Text,
        object_id -> Text,
        object_name -> Text,
    }
}

diesel::table! {
    audit_entry (number) {
        number -> BigInt,
        at_us -> BigInt,
        actor -> Text,
        action -> Text,
        object_kind -> Text,
        object_id -> Text,
        object_name -> Text,
        before_json -> Nullable<Text>,
        after_json -> Nullable<Text>,
        correlation_id -> Nullable<Text>,
    }
}

diesel::table! {
    artifact (digest) {
        digest -> Text,
        size_bytes -> BigInt,
        created_us -> BigInt,
    }
}

diesel::table! {
    artifact_chunk (digest, ordinal) {
        digest -> Text,
        ordinal -> BigInt,
        bytes -> Binary,
    }
}

diesel::table! {
    deployment (id) {
        id -> Text,
        ordinal -> BigInt,
        plugin -> Text,
        digest -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        source -> Text,
        actor -> Text,
        description_json -> Nullable<Text>,
        created_us -> BigInt,
        updated_us -> BigInt,
        activation -> Nullable<BigInt>,
        activated_us -> Nullable<BigInt>,
        restores -> Nullable<Text>,
    }
}

diesel::table! {
    deployment_server (deployment_id, server) {
        deployment_id -> Text,
        server -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        updated_us -> BigInt,
    }
}

diesel::table! {
    forced_deployment (deployment_id) {
        deployment_id -> Text,
    }
}

diesel::table! {
    plugin (id) {
        id -> Text,
        name -> Text,
        active_deployment -> Nullable<Text>,
        grants_json -> Nullable<Text>,
        config_json -> Text,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    service (id) {
        id -> Text,
        name -> Text,
        plugin_id -> Text,
        limits_json -> Text,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    security (id) {
        id -> Text,
        name -> Text,
        kind -> Text,
        identifier -> Text,
        verifier -> Text,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    secret (id) {
        id -> Text,
        name -> Text,
        description -> Nullable<Text>,
        ciphertext -> Binary,
        nonce -> Binary,
        key_id -> Text,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    channel (id) {
        id -> Text,
        name -> Text,
        protocol -> Text,
        path -> Text,
        methods_json -> Text,
        service -> Text,
        security_id -> Nullable<Text>,
        active -> Bool,
        body_bytes_max -> BigInt,
        timeout_ms -> BigInt,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    channel_cors (channel_id) {
        channel_id -> Text,
        cors_json -> Text,
    }
}

diesel::table! {
    channel_soap (channel_id) {
        channel_id -> Text,
        soap_json -> Text,
    }
}

diesel::table! {
    channel_amqp (channel_id) {
        channel_id -> Text,
        connection_id -> Text,
        amqp_json -> Text,
    }
}

diesel::table! {
    connection (id) {
        id -> Text,
        name -> Text,
        kind -> Text,
        active -> Bool,
        client_json -> Text,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    server (id) {
        id -> Text,
        name -> Text,
        version -> Text,
        engine -> Text,
        started_us -> BigInt,
        heartbeat_us -> BigInt,
    }
}

diesel::table! {
    server_worker (server_id, slot) {
        server_id -> Text,
        slot -> BigInt,
        pid -> BigInt,
        state -> Text,
        catalog_version -> BigInt,
        plugins_json -> Text,
        started_us -> BigInt,
        load_json -> Text,
    }
}

diesel::table! {
    kv_entry (plugin, key) {
        plugin -> Text,
        key -> Text,
        value -> Binary,
        version -> BigInt,
        expires_us -> Nullable<BigInt>,
    }
}

diesel::table! {
    delivery (id) {
        id -> Text,
        target -> Text,
        source -> Nullable<Text>,
        content_type -> Nullable<Text>,
        order_key -> Nullable<Text>,
        payload_bytes -> BigInt,
        attempts_max -> BigInt,
        backoff_ms -> BigInt,
        backoff_max_ms -> BigInt,
        state -> Text,
        attempts -> BigInt,
        due_us -> BigInt,
        next_us -> Nullable<BigInt>,
        expires_us -> BigInt,
        claim -> Nullable<Text>,
        owner -> Nullable<Text>,
        correlation_id -> Text,
        failures_json -> Text,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    dictionary (id) {
        id -> Text,
        name -> Text,
        summary -> Nullable<Text>,
        systems_json -> Text,
        defaults_json -> Text,
        entries_json -> Text,
        entries_count -> BigInt,
        codes_count -> BigInt,
        code_bytes -> BigInt,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    calendar (id) {
        id -> Text,
        name -> Text,
        rules_json -> Text,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    job (id) {
        id -> Text,
        name -> Text,
        service -> Text,
        input_json -> Text,
        schedule_json -> Text,
        calendar_id -> Nullable<Text>,
        options_json -> Text,
        paused -> Bool,
        since_us -> BigInt,
        dealt_us -> BigInt,
        runs -> BigInt,
        next_us -> Nullable<BigInt>,
        due_us -> Nullable<BigInt>,
        successes -> BigInt,
        failures -> BigInt,
        skips -> BigInt,
        revision -> BigInt,
        created_us -> BigInt,
        updated_us -> BigInt,
    }
}

diesel::table! {
    job_run (id) {
        id -> Text,
        job_id -> Text,
        trigger -> Text,
        scheduled_us -> BigInt,
        started_us -> Nullable<BigInt>,
        ended_us -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
        delivery_id -> Nullable<Text>,
        max_run_ms -> Nullable<BigInt>,
        correlation_id -> Text,
        error_json -> Nullable<Text>,
    }
}

diesel::table! {
    delivery_payload (delivery_id) {
        delivery_id -> Text,
        bytes -> Binary,
    }
}

diesel::table! {
    delivery_properties (delivery_id) {
        delivery_id -> Text,
        properties_json -> Text,
    }
}

diesel::table! {
    idempotent_reply (scope, key) {
        scope -> Text,
        key -> Text,
        request_hash -> Text,
        status -> Integer,
        headers_json -> Text,
        body -> Binary,
        expires_us -> BigInt,
    }
}

diesel::table! {
    used_nonce (security, nonce) {
        security -> Text,
        nonce -> Text,
        expires_us -> BigInt,
    }
}

diesel::table! {
    admin_idempotency (actor, idempotency_key) {
        actor -> Text,
        idempotency_key -> Text,
        request_hash -> Text,
        claim -> Text,
        state -> Text,
        claimed_us -> BigInt,
        expires_us -> BigInt,
        status -> Nullable<Integer>,
        headers_json -> Nullable<Text>,
        body -> Nullable<Binary>,
    }
}

diesel::table! {
    quarantine (digest) {
        digest -> Text,
        since_us -> BigInt,
        reason -> Text,
    }
}

diesel::table! {
    death_mark (death, digest) {
        death -> Text,
        digest -> Text,
        at_us -> BigInt,
        server -> Text,
        cause -> Text,
        running -> Bool,
    }
}

// Locked by `dialect`; SQLite has no rows of it.
diesel::table! {
    key_lock (number) {
        number -> BigInt,
    }
}

// diesel_migrations' own.
diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

diesel::joinable!(channel -> security (security_id));
diesel::joinable!(channel_cors -> channel (channel_id));
diesel::joinable!(channel_soap -> channel (channel_id));
diesel::joinable!(channel_amqp -> channel (channel_id));
diesel::joinable!(channel_amqp -> connection (connection_id));
diesel::joinable!(job -> calendar (calendar_id));
diesel::joinable!(job_run -> job (job_id));
diesel::joinable!(delivery_properties -> delivery (delivery_id));
diesel::joinable!(plugin -> deployment (active_deployment));
diesel::joinable!(service -> plugin (plugin_id));
diesel::allow_tables_to_appear_in_same_query!(
    channel,
    channel_amqp,
    channel_cors,
    channel_soap,
    connection,
    security
);
diesel::allow_tables_to_appear_in_same_query!(calendar, job, job_run);
diesel::allow_tables_to_appear_in_same_query!(delivery, delivery_properties);
diesel::allow_tables_to_appear_in_same_query!(plugin, deployment, service);
diesel::allow_tables_to_appear_in_same_query!(quarantine, death_mark);
