//! Why the API can't be served.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("admin token is empty")]
    EmptyToken,
    #[error("listener can't be used")]
    Listener(#[source] std::io::Error),
    #[error("system gave no random bytes")]
    Random(#[source] getrandom::Error),
}
