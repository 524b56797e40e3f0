//! Session tickets under keys that all workers of a server have, so that a client resumes with whichever it meets.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Prk},
    rand::{SecureRandom, SystemRandom},
};
use tokio_rustls::rustls::server::ProducesTickets;
use zeroize::Zeroizing;

use crate::{Clock, Error, Peers, credentials::Current, fingerprint::sha256};

/// Tickets are good in the span of six hours that they were made in; spans begin at 0, 6, 12 and 18 o'clock UTC. A
/// session that is resumed is not verified again, and gets another ticket; by this even who resumes for ever is
/// verified in each span.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(6 * 60 * 60);

/// No ticket is made at the beginning of a span, so that a handshake which was resumed in the one before, and is held
/// open, gets none for this one. Longer than any handshake may take.
const TICKETLESS: Duration = Duration::from_secs(2 * 60);

const KEY_NAME_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
/// A certificate or two and a secret. A ticket's length has 16 bits (RFC 8446 section 4.6.1).
const TICKET_BYTES_MAX: usize = 16 * 1024;

/// 32 random bytes. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct TicketKey(Zeroizing<[u8; 32]>);

impl TicketKey {
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| Error::Random)?;
        Ok(Self(bytes))
    }

    /// As [`Self::as_bytes`] of another process gave them.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// To be handed to processes of the same server, over what nobody else reads.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn opened(&self) -> Result<Opened, Error> {
        let root = Prk::new_less_safe(HKDF_SHA256, self.0.as_slice());
        let mut name = [0; KEY_NAME_BYTES];
        let expanded = root.expand(&[b"busbar ticket key name"], Length(KEY_NAME_BYTES));
        expanded.and_then(|name_of| name_of.fill(&mut name)).map_err(|_| Error::Random)?;
        let sealing = root.expand(&[b"busbar ticket key"], &AES_256_GCM).map_err(|_| Error::Random)?;
        Ok(Opened { name, key: LessSafeKey::new(UnboundKey::from(sealing)) })
    }
}

struct Length(usize);

impl ring::hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

struct Opened {
    name: [u8; KEY_NAME_BYTES],
    key: LessSafeKey,
}

struct Keys {
    current: Arc<Opened>,
    previous: Option<Arc<Opened>>,
}

/// Makes tickets under the current key, and takes those of the previous one too. Rotate it at least every
/// [`TICKET_LIFETIME`]: what was recorded of connections can be read by who gets hold of their key.
pub struct Ticketer {
    keys: ArcSwap<Keys>,
}

impl Ticketer {
    /// `previous` is for a process that starts after a rotation.
    pub fn new(current: &TicketKey, previous: Option<&TicketKey>) -> Result<Arc<Self>, Error> {
        let previous = previous.map(TicketKey::opened).transpose()?.map(Arc::new);
        let keys = Keys { current: Arc::new(current.opened()?), previous };
        Ok(Arc::new(Self { keys: ArcSwap::from_pointee(keys) }))
    }

    /// The current key becomes the previous one. A worker that has not heard of `next` yet does a full handshake
    /// with who brings a ticket under it.
    pub fn rotate(&self, next: &TicketKey) -> Result<(), Error> {
        let current = Arc::new(next.opened()?);
        self.keys
            .rcu(|keys| Keys { current: Arc::clone(&current), previous: Some(Arc::clone(&keys.current)) });
        Ok(())
    }

    fn seal(&self, plain: &[u8], now: u64, about: &[u8]) -> Option<Vec<u8>> {
        if now % TICKET_LIFETIME.as_secs() < TICKETLESS.as_secs() {
            return None;
        }
        let keys = self.keys.load();
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = Zeroizing::new([&now.to_be_bytes(), plain].concat());
        let key = &keys.current.key;
        let nonce_of = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce_of, Aad::from(about), &mut sealed).ok()?;
        let ticket = [&keys.current.name, &nonce[..], &sealed, tag.as_ref()].concat();
        (ticket.len() <= TICKET_BYTES_MAX).then_some(ticket)
    }

    fn open(&self, ticket: &[u8], now: u64, about: &[u8]) -> Option<Vec<u8>> {
        if ticket.len() > TICKET_BYTES_MAX {
            return None;
        }
        let (name, rest) = ticket.split_at_checked(KEY_NAME_BYTES)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let keys = self.keys.load();
        let mut known = [Some(&keys.current), keys.previous.as_ref()].into_iter().flatten();
        let opened = known.find(|opened| opened.name == name)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = opened.key.open_in_place(nonce, Aad::from(about), &mut sealed).ok()?;
        let (made, plain) = plain.split_at_checked(TIME_BYTES)?;
        let made = u64::from_be_bytes(made.try_into().ok()?);
        let span = |time: u64| time / TICKET_LIFETIME.as_secs();
        (made <= now && span(made) == span(now)).then(|| plain.to_vec())
    }
}

/// A ticketer for one kind of listener. A ticket holds who the client was found to be, and what was found depends on
/// what the listener asks: so a ticket of a listener that asks for no certificate, or lets other roles in, or trusts
/// another authority, must not open this one, though the keys are the same.
pub(crate) struct Bound {
    ticketer: Arc<Ticketer>,
    clock: Clock,
    about: [u8; 32],
}

impl Bound {
    pub(crate) fn new(ticketer: &Arc<Ticketer>, clock: &Clock, current: &Current, peers: &Peers) -> Self {
        let mut about = format!("{} {:?} {}", current.identity, peers.roles, peers.required);
        for fingerprint in current.trust.fingerprints() {
            about.push_str(&format!(" {fingerprint}"));
        }
        let (ticketer, clock) = (Arc::clone(ticketer), Arc::clone(clock));
        Self { ticketer, clock, about: sha256(about.as_bytes()) }
    }

    fn now(&self) -> Option<u64> {
        Some(self.clock.current_time()?.as_secs())
    }
}

impl ProducesTickets for Bound {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(TICKET_LIFETIME.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.ticketer.seal(plain, self.now()?, &self.about)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.ticketer.open(ticket, self.now()?, &self.about)
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey")
    }
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticketer")
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bound")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_under_its_key_for_its_listener_in_its_time() {
        let (one, two, three) = (TicketKey::from_bytes([1; 32]), TicketKey::generate().unwrap(), [3; 32]);
        let ticketer = Ticketer::new(&one, None).unwrap();
        let sealed = ticketer.seal(b"secret", 1_000, b"here").unwrap();
        let other = Ticketer::new(&TicketKey::from_bytes(*one.as_bytes()), None).unwrap();
        assert_eq!(other.open(&sealed, 1_000, b"here").unwrap(), b"secret");
        assert_eq!(other.open(&sealed, 1_000, b"there"), None);
        let last = TICKET_LIFETIME.as_secs() - 1;
        assert!(other.open(&sealed, last, b"here").is_some());
        assert_eq!(other.open(&sealed, last + 1, b"here"), None);
        assert_eq!(other.open(&sealed, 999, b"here"), None);
        assert_eq!(Ticketer::new(&two, None).unwrap().open(&sealed, 1_000, b"here"), None);
        assert!(Ticketer::new(&two, Some(&one)).unwrap().open(&sealed, 1_000, b"here").is_some());

        other.rotate(&two).unwrap();
        assert!(other.open(&sealed, 1_000, b"here").is_some());
        other.rotate(&TicketKey::from_bytes(three)).unwrap();
        assert_eq!(other.open(&sealed, 1_000, b"here"), None);
    }

    #[test]
    fn no_ticket_is_made_at_the_beginning_of_a_span() {
        let ticketer = Ticketer::new(&TicketKey::from_bytes([1; 32]), None).unwrap();
        let span = TICKET_LIFETIME.as_secs();
        for (second, made) in [(span - 1, true), (span, false), (span + 119, false), (span + 120, true)] {
            assert_eq!(ticketer.seal(b"secret", second, b"").is_some(), made, "{second}");
        }
    }

    #[test]
    fn a_damaged_ticket_opens_nothing() {
        let ticketer = Ticketer::new(&TicketKey::from_bytes([1; 32]), None).unwrap();
        let sealed = ticketer.seal(b"secret", 1_000, b"").unwrap();
        for at in 0..sealed.len() {
            assert_eq!(ticketer.open(&sealed[..at], 1_000, b""), None);
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(ticketer.open(&damaged, 1_000, b""), None);
        }
        assert_eq!(ticketer.open(&vec![0; TICKET_BYTES_MAX + 1], 1_000, b""), None);
        assert_eq!(ticketer.seal(&vec![0; TICKET_BYTES_MAX], 1_000, b""), None);
    }
}
