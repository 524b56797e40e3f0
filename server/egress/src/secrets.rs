//! What a connection shows and nobody else may see.

use std::fmt;

use zeroize::Zeroizing;

/// A text that is wiped from memory when it is dropped, and that `Debug` does not show.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The password, key, token or client secret that [`Auth`](crate::Auth) asks for.
    pub credential: Option<Secret>,
    /// The key of the client certificate, PEM.
    pub client_key_pem: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let secret = || Some(Secret::new("hunter2"));
        let shown = format!("{:?}", Secrets { credential: secret(), client_key_pem: secret() });
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
