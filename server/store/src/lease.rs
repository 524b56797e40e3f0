//! Leases: work that one server at a time does, and proof of being that one.
//!
//! A lease has no end that clocks would have to agree on. Its owner renews it, which counts; who sees one that was
//! not renewed for a time of its own clock takes it, if it is still as it was seen. Each owner's fence is greater
//! than those before it: a write that is guarded by a fence is refused once there is a greater one, however long its
//! author was away.

use busbar_model::Timestamp;
use diesel::prelude::*;

use crate::{
    connection::AnyConnection,
    dialect::hold,
    error::Error,
    odb::Odb,
    schema::lease::{self, dsl},
};

/// The lease of who fires jobs and sweeps.
const LEADER: &str = "leader";

/// A lease as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Lease {
    /// The owner's server; empty where it was given up.
    pub owner: String,
    pub fence: i64,
    /// Grows with each sign of life.
    pub renewal: i64,
}

/// Proof of having been given the lease. It is worth something until the lease passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence(i64);

impl Fence {
    pub fn number(self) -> i64 {
        self.0
    }
}

impl Odb {
    /// The leader's lease; `None` before there was a leader.
    pub fn lease(&self) -> Result<Option<Lease>, Error> {
        let row = dsl::lease.find(LEADER).select((lease::owner, lease::fence, lease::renewal));
        Ok(row.first(&mut *self.connection()?).optional()?)
    }

    /// Takes the leader's lease if it is as it was seen. `None`: someone was faster, or its owner lives.
    pub fn take_lease(
        &self,
        owner: &str,
        seen: Option<&Lease>,
        now: Timestamp,
    ) -> Result<Option<Fence>, Error> {
        self.write_beside(|connection| {
            let found = held(connection)?;
            if found.as_ref() != seen {
                return Ok(None);
            }
            let fence = found.as_ref().map_or(0, |found| found.fence) + 1;
            let values = (
                lease::owner.eq(owner),
                lease::fence.eq(fence),
                lease::renewal.eq(0_i64),
                lease::renewed_us.eq(now.0),
            );
            if found.is_some() {
                diesel::update(dsl::lease.find(LEADER)).set(values).execute(connection)?;
                return Ok(Some(Fence(fence)));
            }
            // Two may find none: the key lets one of them insert it.
            let inserted =
                diesel::insert_into(dsl::lease).values((lease::name.eq(LEADER), values)).execute(connection);
            match inserted {
                Ok(_) => Ok(Some(Fence(fence))),
                Err(diesel::result::Error::DatabaseError(
                    diesel::result::DatabaseErrorKind::UniqueViolation,
                    _,
                )) => Err(Error::Busy),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Shows that its owner lives. [`Error::Fenced`]: it passed on.
    pub fn renew_lease(&self, fence: Fence, now: Timestamp) -> Result<(), Error> {
        let own = dsl::lease.find(LEADER).filter(lease::fence.eq(fence.0));
        let set = (lease::renewal.eq(lease::renewal + 1_i64), lease::renewed_us.eq(now.0));
        match self.write_beside(|connection| Ok(diesel::update(own).set(set).execute(connection)?))? {
            0 => Err(Error::Fenced),
            _ => Ok(()),
        }
    }

    /// Lets another one have it at once. One that passed on already stays as it is.
    pub fn give_up_lease(&self, fence: Fence) -> Result<(), Error> {
        let own = dsl::lease.find(LEADER).filter(lease::fence.eq(fence.0));
        self.write_beside(|connection| {
            diesel::update(own).set(lease::owner.eq("")).execute(connection)?;
            Ok(())
        })
    }
}

/// Nobody takes the lease from here to the end of the transaction: the last thing that one does, so that the owner
/// is not kept from renewing it.
pub(crate) fn require(connection: &mut AnyConnection, fence: Fence) -> Result<(), Error> {
    match held(connection)? {
        Some(found) if found.fence == fence.0 => Ok(()),
        _ => Err(Error::Fenced),
    }
}

fn held(connection: &mut AnyConnection) -> Result<Option<Lease>, Error> {
    let row = dsl::lease.find(LEADER).select((lease::owner, lease::fence, lease::renewal));
    Ok(hold!(connection, row, first::<Lease>).optional()?)
}
