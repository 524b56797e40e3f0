//! The cluster's certificates: who signs them, whom they are for, and what connections are made with them.
//!
//! A cluster has one [`Authority`]. Each member makes its own [`KeyPair`], asks with a [`Csr`], and is issued a
//! [`Certificate`] that says cluster, [`Role`] and [`Name`]; [`Identity::of`] reads them back. [`Credentials`] are
//! what a process shows and whom it trusts ([`Trust`]); an [`Acceptor`] and a [`Connector`] make TLS of them that
//! checks the role, not just the signature. Credentials are replaced while connections are made: when a certificate
//! is [`due`], and in the steps of a [`Roll`] from one authority to the next.
//!
//! ```text
//! let key = KeyPair::generate()?;                                  // where it is used
//! let certificate = authority.issue(&Csr::new(&key)?, &subject, now, LEAF_VALIDITY)?;
//! let credentials = Credentials::new(&key, certificate, trust, clock)?;
//! let acceptor = Acceptor::new(&credentials, Peers::required([Role::Balancer]), Some(&ticketer))?;
//! let incoming = acceptor.accept(socket).await?;                               // for each connection
//! ```
//!
//! Who has no certificate yet has a [`JoinToken`], which pins the authority ([`joining_config`]).
//!
//! Nothing here reads files, talks to anybody, or asks what time it is: times come as arguments, and those of
//! handshakes from a [`Clock`].

mod acceptor;
mod anchor;
mod authority;
mod certificate;
mod connector;
mod credentials;
mod error;
mod fingerprint;
mod handshake;
mod host;
mod identity;
mod key;
mod moment;
mod name;
mod pem;
mod renewal;
mod request;
mod role;
mod roll;
mod ticket;
mod token;
mod trust;
mod verify;

pub use acceptor::Acceptor;
pub use anchor::Anchor;
pub use authority::{AUTHORITY_VALIDITY, Authority, CLOCK_TOLERANCE, LEAF_VALIDITY, Subject};
pub use certificate::Certificate;
pub use connector::{Connector, joining_config};
pub use credentials::{Clock, Credentials, system_clock};
pub use error::Error;
pub use fingerprint::Fingerprint;
pub use handshake::{Incoming, connect};
pub use host::{Host, role_host};
pub use identity::Identity;
pub use key::KeyPair;
pub use name::{Cluster, Name};
pub use pem::haproxy_pem;
pub use renewal::{due, renewal_time};
pub use request::Csr;
pub use role::Role;
pub use roll::{Confirmed, Member, Missing, Obstacle, Roll};
pub use ticket::{TICKET_LIFETIME, TicketKey, Ticketer};
pub use token::{JoinToken, Secret, SecretDigest, TokenError};
pub use trust::Trust;
pub use verify::{Expected, Peers, Refusal, reason};
