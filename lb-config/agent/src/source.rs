//! Where an agent learns what is wanted, and tells how it does.

use std::{error::Error, future::Future};

use busbar_lb_config::{Report, State};

/// The administration of a cluster, as an agent sees it.
pub trait Source: Send + Sync + 'static {
    /// What is wanted now. It may wait for news instead of answering at once; the agent asks again after its poll interval.
    fn desired(&self) -> impl Future<Output = Result<State, Unavailable>> + Send;

    /// Best effort: the next report says all that this one said.
    fn report(&self, report: Report) -> impl Future<Output = ()> + Send;
}

/// What is wanted could not be learnt. The agent goes on with what it knows.
#[derive(Debug, thiserror::Error)]
#[error("ask what is wanted of the balancer")]
pub struct Unavailable(#[source] pub Box<dyn Error + Send + Sync>);
