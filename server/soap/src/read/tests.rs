//! XML as documents have it, and what becomes of it.

mod contents;
mod heads;
mod hostile;
mod records;
mod scalars;
mod shapes;
