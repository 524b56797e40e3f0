//! Outgoing HTTP.
//!
//! A [`Connection`] is one way out: a base URL with credentials, limits and time limits ([`Settings`], [`Secrets`]).
//! [`Connection::call`] makes one call of it and returns the reply's head with a body that is still on its way, or says
//! why there is none and whether the other side may have acted on the request ([`CallError`]).
//!
//! ```text
//! let settings = Settings { auth: Auth::Bearer {}, ..Settings::new("https://api.example.com/v1") };
//! let secrets = Secrets { credential: Some(Secret::new(token)), ..Secrets::default() };
//! let connection = Connection::new(settings, &secrets, Outside::system())?;
//! let reply = connection.call(Request::new(Method::GET, "/orders?open=1".parse()?)).await?;
//! ```
//!
//! A call passes the breaker ([`Breaker`]), then the limits, and then makes attempts until one is final. An attempt
//! takes a connection from the pool or opens one, to an address that the [`AllowList`] permits, and follows redirects
//! if it may. HTTP/1.1 is spoken, in the clear or by TLS.
//!
//! What comes in is bounded: heads, bodies in bytes and after decoding, and the time of each step.

mod backoff;
mod bounds;
mod breaker;
mod call;
mod chain;
mod connection;
mod credentials;
mod dial;
mod error;
mod exchange;
mod gzip;
mod headers;
mod limits;
mod outgoing;
mod outside;
mod pool;
mod redirect;
mod reply;
mod request;
mod retry;
mod secrets;
mod shared;
mod statistics;
mod stream;
mod target;
mod tls;
mod token;

pub use breaker::{Admission, Breaker, BreakerState, Phase, Policy};
pub use busbar_model::connection::{
    Invalid, Refused,
    http::{
        AllowList, Auth, Bodies, BreakerSettings, Limits, PingMethod, PingSettings, Pool, Redirects, Retries,
        Settings, Timeouts, Tls,
    },
};
pub use call::Reply;
pub use connection::{Connection, Ping};
pub use error::{CallError, ErrorKind, Limit, What, Which};
pub use headers::Trace;
pub use outside::{Authorities, Outside, Resolve, Resolving};
pub use reply::ReplyBody;
pub use request::{BoxError, Request, RequestBody};
pub use secrets::{Secret, Secrets};
pub use statistics::{LATENCY_BUCKETS_MS, Statistics};
