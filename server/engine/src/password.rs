//! Checking passwords: argon2id, away from the event loop, at most two at once, results remembered.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use busbar_model::{Fault, fault::FaultKind};
use sha2::{Digest as _, Sha256};
use tokio::{sync::Semaphore, time::timeout};

/// Checks that run at once in this process; each takes 19 MiB and a core for some 20 ms.
const AT_ONCE: usize = 2;
/// How long a check waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// Good results remembered per security definition.
const REMEMBERED_MAX: usize = 64;

static RUNNING: Semaphore = Semaphore::const_new(AT_ONCE);

#[derive(Debug, thiserror::Error)]
#[error("password could not be hashed")]
pub struct HashError;

/// The PHC string of a new password. Takes some 20 ms of processor time.
pub fn hash(password: &str) -> Result<String, HashError> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| HashError)
}

/// Whether a password is the one that was hashed. Takes some 20 ms of processor time.
pub fn fits(phc: &str, password: &str) -> bool {
    PasswordHash::new(phc)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// One password's hash and what was found to fit it.
pub(crate) struct Verifier {
    phc: String,
    good: Mutex<HashSet<[u8; 32]>>,
}

impl Verifier {
    pub(crate) fn new(phc: String) -> Self {
        Self { phc, good: Mutex::new(HashSet::new()) }
    }

    /// Whether it is the password; `Overloaded` where too many checks wait.
    pub(crate) async fn fits(&self, password: &str) -> Result<bool, Fault> {
        let key: [u8; 32] = Sha256::digest(password.as_bytes()).into();
        if self.good().contains(&key) {
            return Ok(true);
        }
        let Ok(Ok(_turn)) = timeout(PATIENCE, RUNNING.acquire()).await else {
            let fault = Fault::new(FaultKind::Overloaded, "too many credentials are being checked");
            return Err(fault.with_retry_after_s(1));
        };
        let (phc, password) = (self.phc.clone(), password.to_owned());
        let fits = tokio::task::spawn_blocking(move || fits(&phc, &password));
        let fits = fits.await.unwrap_or(false);
        if fits {
            let mut good = self.good();
            if good.len() >= REMEMBERED_MAX {
                good.clear();
            }
            good.insert(key);
        }
        Ok(fits)
    }

    fn good(&self) -> std::sync::MutexGuard<'_, HashSet<[u8; 32]>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Verifier, hash};

    #[tokio::test]
    async fn only_the_password_fits() {
        let verifier = Verifier::new(hash("correct horse").unwrap());
        assert!(!verifier.fits("wrong").await.unwrap());
        assert!(verifier.fits("correct horse").await.unwrap());
        assert!(verifier.fits("correct horse").await.unwrap());
        assert!(!verifier.fits("wrong").await.unwrap());
        assert!(!Verifier::new("no phc string".to_owned()).fits("x").await.unwrap());
    }
}
