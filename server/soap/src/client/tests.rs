//! How partners are called.
