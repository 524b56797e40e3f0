//! SQL outwards.

use std::sync::Arc;

use busbar_model::{
    Fault,
    sql::{Begin, Rows, Value},
};

use super::{Cursor, Passage, Transaction, Ways, there};
use crate::ports::Origin;

/// In the database's own dialect; parameters never become a part of its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub text: String,
    pub parameters: Vec<Value>,
}

pub async fn query(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
    statement: Statement,
) -> Result<Rows, Fault> {
    let passage = Passage::of(origin, connection)?;
    there(ways)?.query(passage, statement).await
}

pub async fn execute(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
    statement: Statement,
) -> Result<u64, Fault> {
    let passage = Passage::of(origin, connection)?;
    there(ways)?.execute(passage, statement).await
}

pub async fn open(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
    statement: Statement,
) -> Result<Box<dyn Cursor>, Fault> {
    let passage = Passage::of(origin, connection)?;
    there(ways)?.open(passage, statement).await
}

pub async fn begin(
    origin: &Origin,
    ways: Option<&Arc<dyn Ways>>,
    connection: &str,
    begin: Begin,
) -> Result<Box<dyn Transaction>, Fault> {
    let passage = Passage::of(origin, connection)?;
    there(ways)?.begin(passage, begin).await
}
