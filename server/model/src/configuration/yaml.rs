//! YAML 1.2 with what is surprising in it left out: no anchors, aliases, tags, further documents,
//! names that are no texts, or names that stand twice; bounded in size and depth.

mod read;
mod scalar;
mod write;

pub use read::{Unreadable, read};
pub use write::write;
