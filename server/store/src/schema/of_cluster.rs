//! The tables about the cluster itself: its servers, balancers and members.

diesel::table! {
    cluster (id) {
        id -> Integer,
        cluster_id -> Text,
    }
}

diesel::table! {
    lease (name) {
        name -> Text,
        owner -> Text,
        fence -> BigInt,
        renewal -> BigInt,
        renewed_us -> BigInt,
    }
}

diesel::table! {
    server_standing (server_id) {
        server_id -> Text,
        wanted -> Text,
        condition_word -> Text,
        reason -> Nullable<Text>,
        address -> Nullable<Text>,
        weight -> BigInt,
    }
}

diesel::table! {
    balancer (id) {
        id -> Integer,
        settings_json -> Text,
        revision -> BigInt,
    }
}

diesel::table! {
    balancer_report (agent) {
        agent -> Text,
        at_us -> BigInt,
        report_json -> Text,
    }
}

diesel::table! {
    trust (id) {
        id -> Integer,
        cluster_name -> Text,
        roll -> Text,
    }
}

diesel::table! {
    authority (fingerprint) {
        fingerprint -> Text,
        certificate -> Text,
        key_id -> Text,
        key_json -> Text,
    }
}

diesel::table! {
    join_token (id) {
        id -> Text,
        role -> Text,
        name -> Nullable<Text>,
        digest -> Text,
        expires_us -> BigInt,
        used_by -> Nullable<Text>,
    }
}

diesel::table! {
    member (role, name) {
        role -> Text,
        name -> Text,
        certificate_sha256 -> Text,
        previous_sha256 -> Nullable<Text>,
        expires_us -> BigInt,
        joined_us -> BigInt,
        seen_us -> BigInt,
        trusts_json -> Nullable<Text>,
        issuer -> Nullable<Text>,
    }
}
