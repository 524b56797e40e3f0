//! One request on one connection, up to the head of its reply.

use std::{pin::pin, sync::Arc};

use busbar_model::connection::http::origin::Origin;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::{
    CallError, ErrorKind, What, Which,
    pool::Lane,
    reply::Time,
    request::{Outbound, Progress},
    shared::Shared,
};

pub(crate) struct Failed {
    pub(crate) error: CallError,
    /// The connection served another call before, and was lost while this one went out: the other side had most
    /// likely closed it already.
    pub(crate) is_stale: bool,
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self { error, is_stale: false }
    }
}

pub(crate) type Replied = (Response<Incoming>, Lane);

/// A reused connection that takes nothing any more is replaced by itself. `is_fresh`: none that waited is used.
pub(crate) async fn exchange(
    shared: &Shared,
    origin: &Arc<Origin>,
    mut request: Request<Outbound>,
    progress: Option<&Progress>,
    time: &Time,
    is_fresh: bool,
) -> Result<Replied, Failed> {
    loop {
        if Instant::now() >= time.deadline {
            return Err(time.late().unsent().into());
        }
        let waiting = if is_fresh { None } else { shared.pool.take(origin, Instant::now()) };
        let mut lane = match waiting {
            Some(lane) => lane,
            None => connect(shared, origin, time).await?,
        };
        if !is_ready(shared, &mut lane, time).await {
            if lane.is_reused {
                continue;
            }
            return Err(lost(origin, "it was closed at once").unsent().into());
        }
        match send(shared, &mut lane, request, progress, time).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let text = "it switches to another protocol".to_owned();
                return Err(ErrorKind::Protocol { text }.sent().into());
            }
            Ok(response) => return Ok((response, lane)),
            Err(Unsent::Back(back)) if lane.is_reused => request = back,
            Err(Unsent::Back(_)) => return Err(lost(origin, "it was closed at once").unsent().into()),
            Err(Unsent::Failed(failed)) => return Err(failed),
        }
    }
}

async fn connect(shared: &Shared, origin: &Arc<Origin>, time: &Time) -> Result<Lane, CallError> {
    let is_base = **origin == *shared.base.origin;
    let tls = if is_base { &shared.tls.base } else { &shared.tls.others };
    let server_name = shared.settings.tls.server_name.as_deref().filter(|_| is_base);
    let dialed = shared.dialer.dial(origin, tls, server_name, time.deadline).await;
    let stream =
        dialed.map_err(|kind| if Instant::now() >= time.deadline { time.late() } else { kind }.unsent())?;
    let opened = shared.pool.open(stream, origin).await;
    opened.map_err(|error| lost(origin, &error.to_string()).unsent())
}

/// It may still be busy with the end of the call before, for a moment.
async fn is_ready(shared: &Shared, lane: &mut Lane, time: &Time) -> bool {
    if lane.sender.is_ready() {
        return true;
    }
    let until = time.deadline.min(Instant::now() + shared.dialer.connect);
    matches!(timeout_at(until, lane.sender.ready()).await, Ok(Ok(())))
}

enum Unsent {
    Back(Request<Outbound>),
    Failed(Failed),
}

async fn send(
    shared: &Shared,
    lane: &mut Lane,
    request: Request<Outbound>,
    progress: Option<&Progress>,
    time: &Time,
) -> Result<Response<Incoming>, Unsent> {
    let mut since = Instant::now();
    let mut sending = pin!(lane.sender.try_send_request(request));
    let sent = loop {
        let until = (since + shared.first_byte).min(time.deadline);
        if let Ok(sent) = timeout_at(until, &mut sending).await {
            break sent;
        }
        // A body that is still on its way is not waited for in vain.
        let moved = progress.map(Progress::last).filter(|last| *last > since);
        let Some(last) = moved.filter(|_| until < time.deadline) else {
            let kind = if until >= time.deadline {
                time.late()
            } else if progress.is_some_and(Progress::is_awaited) {
                let text = format!("its body did not go on for {} ms", shared.first_byte.as_millis());
                ErrorKind::Request { text }
            } else {
                ErrorKind::Timeout { which: Which::FirstByte, bound: shared.first_byte }
            };
            return Err(Unsent::Failed(kind.sent().into()));
        };
        since = last;
    };
    sent.map_err(|mut error| match error.take_message() {
        Some(request) => Unsent::Back(request),
        None => Unsent::Failed(explain(shared, lane, &error.into_error(), progress)),
    })
}

fn explain(shared: &Shared, lane: &Lane, error: &hyper::Error, progress: Option<&Progress>) -> Failed {
    use std::error::Error as _;
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let mut is_stale = false;
    let kind = if error.is_parse_too_large() {
        let bytes_max = shared.settings.bodies.reply_head_bytes_max.into();
        ErrorKind::TooLarge { what: What::ReplyHead, bytes_max }
    } else if error.is_parse() {
        ErrorKind::Protocol { text: format!("{error}{cause}") }
    } else if progress.is_some_and(Progress::is_too_large) {
        let bytes_max = shared.settings.bodies.request_bytes_max;
        ErrorKind::TooLarge { what: What::RequestBody, bytes_max }
    } else if error.is_user() {
        ErrorKind::Request { text: format!("its body can't be read{cause}") }
    } else {
        is_stale = lane.is_reused;
        lost(&lane.origin, &format!("it was lost before the reply{cause}"))
    };
    Failed { error: kind.sent(), is_stale }
}

fn lost(origin: &Origin, text: &str) -> ErrorKind {
    ErrorKind::Connect { host: origin.host.clone(), text: text.to_owned() }
}
