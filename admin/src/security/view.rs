//! A security definition as the API shows it.

use std::collections::BTreeSet;

use busbar_model::{
    Security, Timestamp,
    security::{CLIENT_CERTIFICATE, Certificates, Credential, WS_SECURITY},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PATH;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SecurityKind)]
pub(crate) enum Kind {
    /// HTTP basic (RFC 7617).
    Basic,
    /// A key in the header `X-API-Key`.
    ApiKey,
    /// A UsernameToken in a SOAP message (WSS UsernameToken Profile 1.1).
    WsSecurity,
    /// A certificate of the client, as the cluster's balancer tells it.
    ClientCertificate,
}

impl Kind {
    pub(super) fn of(text: &str) -> Option<Self> {
        let all = [Self::Basic, Self::ApiKey, Self::WsSecurity, Self::ClientCertificate];
        all.into_iter().find(|kind| kind.as_str() == text)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ApiKey => "api-key",
            Self::WsSecurity => WS_SECURITY,
            Self::ClientCertificate => CLIENT_CERTIFICATE,
        }
    }
}

/// Credentials of one kind that a channel asks for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Security)]
pub(crate) struct View {
    id: String,
    name: String,
    #[schema(value_type = Kind)]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// In which form a UsernameToken carries its password: digest, text or any.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_type: Option<&'static str>,
    /// The part of an API key before the dot; public.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// Subjects of certificates that let in, as HAProxy writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<BTreeSet<String>>,
    /// SHA-256s of certificates that let in, in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<BTreeSet<String>>,
    /// An API key, in the reply to the request that made it and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    pub(super) href: String,
}

impl From<Security> for View {
    fn from(security: Security) -> Self {
        let view = Self {
            href: format!("{PATH}/{}", security.id),
            id: security.id,
            name: security.name.into(),
            kind: security.credential.kind(),
            username: None,
            password_type: None,
            key_id: None,
            subjects: None,
            sha256: None,
            key: None,
            created_at: security.created_at,
            updated_at: security.updated_at,
        };
        match security.credential {
            Credential::Basic { username, .. } => Self { username: Some(username), ..view },
            Credential::ApiKey { key_id, .. } => Self { key_id: Some(key_id), ..view },
            Credential::WsSecurity { username, accepts, .. } => {
                Self { username: Some(username), password_type: Some(accepts.as_str()), ..view }
            }
            Credential::ClientCertificate(Certificates { subjects, sha256 }) => {
                Self { subjects: Some(subjects), sha256: Some(sha256), ..view }
            }
        }
    }
}
