//! Callers that a message names itself: WS-Security UsernameToken.

use std::sync::Arc;

use busbar_model::{
    Digest, Fault, Timestamp,
    fault::FaultKind,
    unit::{NonceClaim, Unit},
};
use busbar_soap::{
    message::Security,
    username_token::{check_timestamp, verify},
};
use tokio::time::Instant;

use super::{Check, Guard, Permit};
use crate::{
    ports::{Ledger, Opener},
    unit::{commit, commit_fault},
};

/// A token that fits; its nonce may have been used before.
pub(crate) struct Verified {
    permit: Permit,
    nonce: Option<NonceClaim>,
}

impl Guard {
    /// Whether callers are told by their messages, and not by the head of a request.
    pub(crate) fn is_by_message(&self) -> bool {
        matches!(self.check, Check::WsSecurity { .. })
    }

    /// Checks what a message says of its sender.
    pub(crate) fn verify(
        &self,
        given: &Security,
        opener: Option<&dyn Opener>,
        now: Timestamp,
    ) -> Result<Verified, Fault> {
        let Check::WsSecurity { security, username, accepts } = &self.check else { return Err(denied()) };
        let token = given.username_token.as_ref().ok_or_else(denied)?;
        let password = opener.ok_or_else(denied)?.open_password(security).map_err(|error| {
            tracing::error!(security = %self.name, %error, "a password can't be opened");
            Fault::internal(FaultKind::Failed)
        })?;
        let fresh = given.timestamp.as_ref().map_or(Ok(()), |timestamp| check_timestamp(timestamp, now));
        let verified = fresh.and_then(|()| verify(token, username, &password, *accepts, now));
        let nonce = verified.map_err(|reason| {
            tracing::debug!(security = %self.name, %reason, "a UsernameToken is refused");
            denied()
        })?;
        let claim = nonce.map(|nonce| NonceClaim {
            security: security.id.clone(),
            nonce_sha256: Digest::of(&nonce.value).hex(),
            expires_at: nonce.expires_at,
        });
        Ok(Verified { permit: Permit { caller: Some(self.name.clone()) }, nonce: claim })
    }
}

impl Verified {
    /// Lets the caller in, unless the token was used before, here or anywhere in the cluster.
    pub(crate) async fn admit(self, ledger: &Arc<dyn Ledger>, deadline: Instant) -> Result<Permit, Fault> {
        if let Some(nonce) = self.nonce {
            let unit = Unit { nonce: Some(nonce), ..Unit::default() };
            commit(ledger, unit, deadline).await.map_err(commit_fault)?;
        }
        Ok(self.permit)
    }
}

fn denied() -> Fault {
    Fault::new(FaultKind::Unauthenticated, "the security token is missing, wrong or too old")
}
