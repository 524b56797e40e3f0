//! Ports that are free, told by having held them.

use std::net::TcpListener;

/// As many as are asked for, all different.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a port is free"));
    held.map(|listener| listener.local_addr().expect("a listener has an address").port())
}
