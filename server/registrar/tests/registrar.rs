//! Members come, renew, go along with a roll, and are forgotten.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::{sync::Arc, time::Duration};

use busbar_model::Timestamp;
use busbar_pki::{Certificate, Confirmed, Csr, Identity, KeyPair, Role, Roll, Subject, Trust};
use busbar_registrar::{Admission, Error, Granted, Offer, Registrar, Visit};
use busbar_store::{By, MasterKey, Odb};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

struct Office {
    registrar: Registrar,
    odb: Odb,
    _folder: tempfile::TempDir,
}

fn office() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("odb.sqlite").display());
    Odb::migrate(&url).unwrap();
    let odb = Odb::open(&url, 2).unwrap();
    let registrar = Registrar::new(odb.clone(), Arc::new(MasterKey::new(&[7; 32])));
    Office { registrar, odb, _folder: folder }
}

fn founded() -> Office {
    let office = office();
    office.registrar.found(&by(NOW), &"prod".parse().unwrap()).unwrap();
    office
}

fn by(now: Timestamp) -> By {
    By { actor: "test".to_owned(), correlation_id: None, now }
}

fn offer(role: Role) -> Offer {
    let urls = vec!["https://admin:8183".to_owned()];
    Offer { role, name: None, urls, life: Duration::from_secs(60) }
}

/// One that has joined, and what it has.
struct Machine {
    identity: Identity,
    trust: Trust,
    certificate: Certificate,
}

impl Machine {
    fn enroll(office: &Office, role: Role, name: &str) -> Self {
        let subject = Subject { role, name: name.parse().unwrap(), hosts: Vec::new() };
        let request = Csr::new(&KeyPair::generate().unwrap()).unwrap();
        let granted = office.registrar.enroll(&by(NOW), &subject, &request).unwrap();
        let certificate = granted.certificate.unwrap();
        Self { identity: Identity::of(certificate.der()).unwrap(), trust: granted.trust, certificate }
    }

    fn confirmed(&self) -> Confirmed {
        let issuer = self.trust.issuer_of(&self.certificate).unwrap().fingerprint();
        Confirmed { trusts: self.trust.fingerprints(), issuer }
    }

    fn visit(&mut self, office: &Office) -> Result<Granted, Error> {
        let mut visit = Visit { confirmed: Some(self.confirmed()), ..Visit::default() };
        let mut granted = office.registrar.visit(NOW, &self.identity, &visit)?;
        if granted.issuer != self.confirmed().issuer {
            visit.request = Some(Csr::new(&KeyPair::generate().unwrap()).unwrap());
            granted = office.registrar.visit(NOW, &self.identity, &visit)?;
        }
        self.trust = granted.trust.clone();
        if let Some(certificate) = &granted.certificate {
            self.certificate = certificate.clone();
            self.identity = Identity::of(certificate.der()).unwrap();
        }
        Ok(granted)
    }
}

/// At no time is there one whose authority another one does not trust.
fn understand_each_other(members: &[Machine]) {
    for one in members {
        for other in members {
            assert!(other.trust.fingerprints().contains(&one.confirmed().issuer));
        }
    }
}

#[test]
fn a_cluster_is_founded_once() {
    let office = office();
    assert!(office.registrar.standing().unwrap().is_none());
    assert!(matches!(office.registrar.offer(&by(NOW), offer(Role::Server)), Err(Error::NotFounded)));
    office.registrar.found(&by(NOW), &"prod".parse().unwrap()).unwrap();
    let again = office.registrar.found(&by(NOW), &"other".parse().unwrap()).unwrap_err();
    assert!(matches!(&again, Error::Founded { cluster } if cluster.as_str() == "prod"), "{again}");
    // Only under the master key that it was sealed with.
    let stranger = Registrar::new(office.odb.clone(), Arc::new(MasterKey::new(&[8; 32])));
    let subject = Subject { role: Role::Server, name: "one".parse().unwrap(), hosts: Vec::new() };
    let request = Csr::new(&KeyPair::generate().unwrap()).unwrap();
    assert!(stranger.enroll(&by(NOW), &subject, &request).is_err());
}

#[test]
fn a_token_ends_and_is_used_once() {
    let office = founded();
    let (token, expires_at) = office.registrar.offer(&by(NOW), offer(Role::Server)).unwrap();
    assert_eq!(expires_at, NOW.plus_ms(60_000));
    let key = KeyPair::generate().unwrap();
    let asks = |key: &KeyPair| Admission {
        id: token.id.clone(),
        secret: token.secret.clone(),
        name: "one".parse().unwrap(),
        hosts: Vec::new(),
        request: Csr::new(key).unwrap(),
    };
    let late = office.registrar.admit(&by(NOW.plus_ms(60_001)), &asks(&key)).unwrap_err();
    assert!(matches!(late, Error::Expired), "{late}");
    let (role, granted) = office.registrar.admit(&by(NOW), &asks(&key)).unwrap();
    assert_eq!(role, Role::Server);
    assert!(granted.certificate.is_some());
    office.registrar.admit(&by(NOW), &asks(&key)).unwrap();
    let other = office.registrar.admit(&by(NOW), &asks(&KeyPair::generate().unwrap())).unwrap_err();
    assert!(matches!(other, Error::Used), "{other}");
    let life = Offer { life: Duration::from_secs(59), ..offer(Role::Server) };
    assert!(matches!(office.registrar.offer(&by(NOW), life), Err(Error::TokenLife { seconds: 59 })));
}

#[test]
fn a_roll_goes_on_as_members_confirm() {
    let office = founded();
    let mut members =
        [Machine::enroll(&office, Role::Server, "one"), Machine::enroll(&office, Role::Balancer, "two")];
    // An operator comes now and then only, and is waited for as long as she could be shut out.
    let mut ada = Machine::enroll(&office, Role::Operator, "ada");
    let first = members[0].confirmed().issuer;
    office.registrar.begin_roll(&by(NOW)).unwrap();
    let mut steps = vec![office.registrar.standing().unwrap().unwrap().roll];
    for round in 0..40 {
        // Only when the last of them has heard of it.
        if office.registrar.advance(&by(NOW)).unwrap() {
            steps.push(office.registrar.standing().unwrap().unwrap().roll);
        }
        for at in 0..members.len() {
            understand_each_other(&members);
            members[at].visit(&office).unwrap();
            understand_each_other(&members);
        }
        if round % 10 == 9 {
            let late = office.registrar.rolling().unwrap().late;
            assert!(late.is_none_or(|late| late.members == ["operator ada"]));
            ada.visit(&office).unwrap();
            ada.visit(&office).unwrap();
        }
    }
    assert!(
        matches!(
            steps[..],
            [Roll::Introducing { .. }, Roll::Reissuing { .. }, Roll::Retiring { .. }, Roll::Settled { .. }]
        ),
        "{steps:?}"
    );
    let Roll::Settled { authority } = steps[3] else { panic!("{steps:?}") };
    assert_ne!(authority, first);
    for member in &members {
        assert_eq!(member.confirmed().trusts.into_iter().collect::<Vec<_>>(), [authority]);
    }
    // The key of the one before is gone.
    assert!(office.odb.authority(&MasterKey::new(&[7; 32]), &first.to_string()).is_err());
    assert_eq!(ada.confirmed().issuer, authority);
}

#[test]
fn a_roll_is_turned_back_until_it_retires() {
    let office = founded();
    let mut one = Machine::enroll(&office, Role::Server, "one");
    let first = one.confirmed().issuer;
    office.registrar.begin_roll(&by(NOW)).unwrap();
    assert!(matches!(office.registrar.begin_roll(&by(NOW)), Err(Error::Obstacle(_))));
    one.visit(&office).unwrap();
    let rolling = office.registrar.rolling().unwrap();
    assert_eq!(rolling.late.unwrap().members, ["server one"]);
    office.registrar.turn_back(&by(NOW)).unwrap();
    for _ in 0..6 {
        one.visit(&office).unwrap();
        office.registrar.advance(&by(NOW)).unwrap();
    }
    let standing = office.registrar.standing().unwrap().unwrap();
    assert_eq!(standing.roll, Roll::Settled { authority: first });
    assert!(matches!(office.registrar.turn_back(&by(NOW)), Err(Error::Obstacle(_))));
}

#[test]
fn a_certificate_of_who_was_forgotten_stays_worthless() {
    let office = founded();
    let stolen = Machine::enroll(&office, Role::Operator, "ada");
    office.registrar.forget(&by(NOW), Role::Operator, &"ada".parse().unwrap()).unwrap();
    let mut own = Machine::enroll(&office, Role::Operator, "ada");
    assert!(!office.registrar.knows(&stolen.identity).unwrap());
    let visit = office.registrar.visit(NOW, &stolen.identity, &Visit::default());
    assert!(matches!(visit, Err(Error::NoMember { .. })));
    // A renewed one is known by both, since its processes change over one after the other.
    let before = own.identity.clone();
    let request = Csr::new(&KeyPair::generate().unwrap()).unwrap();
    let visit = Visit { request: Some(request), ..Visit::default() };
    let granted = office.registrar.visit(NOW, &own.identity, &visit).unwrap();
    own.identity = Identity::of(granted.certificate.unwrap().der()).unwrap();
    assert!(office.registrar.knows(&before).unwrap() && office.registrar.knows(&own.identity).unwrap());
    own.visit(&office).unwrap();
}

#[test]
fn who_is_forgotten_gets_nothing_more() {
    let office = founded();
    let mut one = Machine::enroll(&office, Role::Server, "one");
    one.visit(&office).unwrap();
    assert!(office.registrar.knows(&one.identity).unwrap());
    office.registrar.forget(&by(NOW), Role::Server, &"one".parse().unwrap()).unwrap();
    assert!(!office.registrar.knows(&one.identity).unwrap());
    let error = one.visit(&office).unwrap_err();
    assert_eq!(
        error.to_string(),
        "urn:busbar:prod:server:one is no member of this cluster any more, or not by this certificate: `busbar join --again`"
    );
}
