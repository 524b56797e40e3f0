//! Outgoing HTTP against servers on loopback.
