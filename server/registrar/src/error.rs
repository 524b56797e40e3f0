//! Why someone does not become, or stay, a member.

use busbar_pki::{Cluster, Obstacle, Role, TokenError};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the cluster has no authority: `busbar init` makes one")]
    NotFounded,
    #[error("the ODB is that of the cluster {cluster}, which has an authority")]
    Founded { cluster: Cluster },
    #[error("{urn} is no member of this cluster any more, or not by this certificate: `busbar join --again`")]
    NoMember { urn: String },
    /// Nothing more is said: who has no token is told nothing of those there are.
    #[error(
        "the join token is not one of this cluster, or it is no more: `busbar join-token` makes another one"
    )]
    NoToken,
    #[error("the join token has expired: `busbar join-token` makes another one")]
    Expired,
    #[error("the join token has been used: each lets one machine join")]
    Used,
    #[error("the join token is for {role} {expected:?}, not for {found:?}")]
    AnotherName { role: Role, expected: String, found: String },
    #[error("a join token lives for 1 minute to 7 days, not for {seconds} s")]
    TokenLife { seconds: u64 },
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    /// Someone else took the step, or another one.
    #[error("the roll went on meanwhile")]
    Meanwhile,
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Pki(#[from] busbar_pki::Error),
    #[error(transparent)]
    Odb(#[from] busbar_store::Error),
}
