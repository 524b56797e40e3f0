//! Artifacts: plugin files by digest, in rows of one chunk each.

use busbar_model::{Digest, Timestamp, bounds::ARTIFACT_CHUNK_BYTES};
use diesel::prelude::*;

use crate::{
    connection::AnyConnection,
    error::Error,
    odb::Odb,
    schema::{artifact, artifact_chunk},
};

const WHAT: &str = "artifact";

#[derive(Insertable)]
#[diesel(table_name = artifact_chunk)]
struct Chunk<'a> {
    digest: &'a str,
    ordinal: i64,
    bytes: &'a [u8],
}

impl Odb {
    /// Of all files that are kept.
    pub fn artifact_digests(&self) -> Result<Vec<Digest>, Error> {
        let digests = artifact::table.select(artifact::digest).load::<String>(&mut *self.connection()?)?;
        digests.iter().map(|digest| digest.parse().map_err(Error::corrupt(WHAT, digest))).collect()
    }

    /// The bytes, whose digest was checked.
    pub fn artifact(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let name = digest.to_string();
        let bytes = self.read(|connection| load(connection, &name))?;
        if Digest::of(&bytes) != *digest {
            return Err(Error::corrupt(WHAT, &name)("its bytes have another digest"));
        }
        Ok(bytes)
    }
}

fn load(connection: &mut AnyConnection, digest: &str) -> Result<Vec<u8>, Error> {
    let size =
        artifact::table.find(digest).select(artifact::size_bytes).first::<i64>(connection).optional()?;
    let size = size.ok_or_else(|| Error::not_found(WHAT, digest))?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(Error::corrupt(WHAT, digest))?);
    // One row at a time, so that no second copy of the whole is in memory.
    for ordinal in 0_i64.. {
        let chunk = artifact_chunk::table
            .find((digest, ordinal))
            .select(artifact_chunk::bytes)
            .first::<Vec<u8>>(connection)
            .optional()?;
        match chunk {
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(bytes)
}

pub(crate) fn exists(connection: &mut AnyConnection, digest: &str) -> Result<bool, Error> {
    Ok(artifact::table.find(digest).count().get_result::<i64>(connection)? > 0)
}

/// Stores `bytes` unless they are there already.
pub(crate) fn store(
    connection: &mut AnyConnection,
    digest: &str,
    bytes: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    if exists(connection, digest)? {
        return Ok(());
    }
    diesel::insert_into(artifact::table)
        .values((
            artifact::digest.eq(digest),
            artifact::size_bytes.eq(i64::try_from(bytes.len()).unwrap_or(i64::MAX)),
            artifact::created_us.eq(now.0),
        ))
        .execute(connection)?;
    for (ordinal, bytes) in (0_i64..).zip(bytes.chunks(ARTIFACT_CHUNK_BYTES)) {
        diesel::insert_into(artifact_chunk::table)
            .values(Chunk { digest, ordinal, bytes })
            .execute(connection)?;
    }
    Ok(())
}

/// Whether there was one to delete.
pub(crate) fn delete(connection: &mut AnyConnection, digest: &str) -> Result<bool, Error> {
    diesel::delete(artifact_chunk::table.filter(artifact_chunk::digest.eq(digest))).execute(connection)?;
    Ok(diesel::delete(artifact::table.find(digest)).execute(connection)? > 0)
}
