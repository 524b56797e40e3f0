//! Certificates of clients. The balancer checks that a client has the key of one that a trusted authority signed, and
//! tells its subject and its SHA-256; which of them are let in stands here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    bounds::{CERTIFICATE_SUBJECT_CHARS_MAX, CERTIFICATES_MAX},
    digest::Digest,
};

/// Who is let in: whose certificate has one of the subjects, or is one of those that are named by their SHA-256.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Certificates {
    pub subjects: BTreeSet<String>,
    /// Lower-case hexadecimal digits.
    pub sha256: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Invalid {
    #[error(
        "is not a subject as HAProxy writes it: /CN=ada or /O=shop/CN=ada, at most {CERTIFICATE_SUBJECT_CHARS_MAX} \
         characters, none of them a control character, the last one no blank"
    )]
    Subject,
    #[error("is not a SHA-256: 64 hexadecimal digits")]
    Sha256,
}

/// A list that can't be, whatever its items are.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unfit {
    #[error("lets nobody in without an entry here or in sha256")]
    Nobody,
    #[error("has more than {CERTIFICATES_MAX} items")]
    TooMany,
}

impl Certificates {
    /// Refuses what lets nobody in.
    pub fn checked(self) -> Result<Self, Unfit> {
        if self.subjects.is_empty() && self.sha256.is_empty() { Err(Unfit::Nobody) } else { Ok(self) }
    }

    /// Whether one of them has this subject, or this SHA-256.
    pub fn fits(&self, subject: Option<&str>, sha256: Option<&str>) -> bool {
        subject.is_some_and(|subject| self.subjects.contains(subject))
            || sha256.is_some_and(|sha256| self.sha256.contains(sha256))
    }

    /// Subjects first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().chain(&self.sha256).map(String::as_str)
    }
}

/// Whether a list is short enough, as it was given.
pub fn counted(items: &[String]) -> Result<(), Unfit> {
    if items.len() > CERTIFICATES_MAX { Err(Unfit::TooMany) } else { Ok(()) }
}

/// In the order of their texts and without doubles, or the index of the first bad one.
pub fn subjects(given: &[String]) -> Result<BTreeSet<String>, (usize, Invalid)> {
    each(given, subject, Invalid::Subject)
}

/// The same of SHA-256s.
pub fn sha256s(given: &[String]) -> Result<BTreeSet<String>, (usize, Invalid)> {
    each(given, sha256, Invalid::Sha256)
}

fn each(
    given: &[String],
    parse: impl Fn(&str) -> Option<String>,
    otherwise: Invalid,
) -> Result<BTreeSet<String>, (usize, Invalid)> {
    let item = |(at, text): (usize, &String)| parse(text).ok_or((at, otherwise));
    given.iter().enumerate().map(item).collect()
}

/// A distinguished name as HAProxy's `ssl_c_s_dn` writes it: `/NAME=VALUE` for each part. Blanks at the end do not
/// outlast a header.
pub fn subject(text: &str) -> Option<String> {
    let (name, _) = text.strip_prefix('/')?.split_once('=')?;
    let fits = !name.is_empty()
        && !name.contains('/')
        && !text.ends_with(' ')
        && !text.contains(char::is_control)
        && text.chars().count() <= CERTIFICATE_SUBJECT_CHARS_MAX;
    fits.then(|| text.to_owned())
}

/// In lower case.
pub fn sha256(text: &str) -> Option<String> {
    Digest::from_hex(text).ok().map(|digest| digest.hex())
}

#[cfg(test)]
mod tests {
    use super::{Certificates, Invalid, Unfit, counted, sha256s, subjects};
    use crate::bounds::{CERTIFICATE_SUBJECT_CHARS_MAX, CERTIFICATES_MAX};

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn certificates_have_one_form() {
        let subjects = subjects(&texts(&["/CN=b", "/O=Bäcker, x/1.2.3=y=z", "/CN=b", "/CN="])).unwrap();
        assert_eq!(Vec::from_iter(subjects), ["/CN=", "/CN=b", "/O=Bäcker, x/1.2.3=y=z"]);
        let (upper, lower) = ("AB".repeat(32), "ab".repeat(32));
        assert_eq!(Vec::from_iter(sha256s(&texts(&[&upper, &lower])).unwrap()), [lower]);
    }

    #[test]
    fn what_no_certificate_has_is_refused() {
        let long = format!("/CN={}", "a".repeat(CERTIFICATE_SUBJECT_CHARS_MAX - 3));
        for bad in
            ["", "/", "CN=ada", "/ada", "/=ada", "//CN=ada", "/CN=a\nb", "/CN=a\u{85}", "/CN=a ", &long]
        {
            assert_eq!(subjects(&texts(&["/CN=a", bad])), Err((1, Invalid::Subject)), "{bad:?}");
        }
        assert!(
            subjects(&texts(&[&long[1..]])).is_err() && subjects(&texts(&[&long[..long.len() - 1]])).is_ok()
        );
        let digits = "a".repeat(64);
        for bad in
            ["", &digits[1..], &digits.replacen('a', "g", 1), &format!("sha256:{digits}"), &"é".repeat(32)]
        {
            assert_eq!(sha256s(&texts(&[bad])), Err((0, Invalid::Sha256)), "{bad:?}");
        }
    }

    #[test]
    fn there_is_one_at_least_and_a_bounded_number() {
        assert_eq!(Certificates::default().checked(), Err(Unfit::Nobody));
        let many = vec!["/CN=a".to_owned(); CERTIFICATES_MAX + 1];
        assert_eq!(counted(&many), Err(Unfit::TooMany));
        assert_eq!(counted(&many[1..]), Ok(()));
    }

    #[test]
    fn either_list_lets_in() {
        let one = Certificates {
            subjects: subjects(&texts(&["/CN=ada"])).unwrap(),
            sha256: sha256s(&texts(&[&"ab".repeat(32)])).unwrap(),
        };
        let (ab, cd) = ("ab".repeat(32), "cd".repeat(32));
        assert!(one.fits(Some("/CN=ada"), None) && one.fits(None, Some(&ab)));
        assert!(one.fits(Some("/CN=ada"), Some(&cd)) && one.fits(Some("/CN=eve"), Some(&ab)));
        for (subject, sha256) in
            [(None, None), (Some("/CN=Ada"), Some(cd.as_str())), (Some("/CN=ada/O=x"), None)]
        {
            assert!(!one.fits(subject, sha256), "{subject:?} {sha256:?}");
        }
    }
}
