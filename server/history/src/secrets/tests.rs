//! What is hidden, what is not, and what comes back.

use super::{hide, holds_placeholder, is_placeholder, restore};
use crate::{error::Error, key::Key};

fn key() -> Key {
    Key::random(std::path::Path::new("/")).unwrap()
}

/// Each with the secret that is in it.
const HOLDERS: &[(&str, &str)] = &[
    ("[admin]\ntoken = \"s3cret\"\n", "s3cret"),
    ("admin.token = 's3cret' # as agreed\n", "s3cret"),
    ("admin = { listen = \"127.0.0.1:1\", token = \"s3cret\" }\n", "s3cret"),
    ("[admin]\ntoken = \"\"\"\ns3cret\nmore\"\"\"\n", "s3cret"),
    ("[admin]\ntoken = \"s3\\u0063ret\"\n", "s3\\u0063ret"),
    ("[odb]\nurl = \"postgres://bus:s3cret@db.example/bus?sslmode=require\"\n", "s3cret"),
    ("[odb]\nurl = \"postgres://bus:s3cret@/bus?host=/run/postgresql\"\n", "s3cret"),
    ("[odb]\nurl = \"postgres://bus:a/s3cret?x@db/bus\"\n", "s3cret"),
    ("[odb]\nurl = \"postgres://bus:a@s3cret@db/bus\"\n", "s3cret"),
    ("[odb]\nurl = \"postgres://db/bus?user=bus&password=s3cret&sslmode=require\"\n", "s3cret"),
    ("[amqp]\nurl = \"amqps://bus:s3cret@mq:5671/%2f\"\n", "s3cret"),
    ("[amqp]\nurls = [\"amqp://a:s3cret@one\", \"amqp://b@two\"]\n", "s3cret"),
    ("[[brokers]]\nurl = \"amqp://a:s3cret@one\"\n[[brokers]]\njoin-token = \"other\"\n", "s3cret"),
    ("[future]\nkey_passphrase = \"s3cret\"\n", "s3cret"),
    ("# token = \"s3cret\"\n[http]\n", "s3cret"),
    ("[http] # was amqp://u:s3cret@mq/ before\n", "s3cret"),
    ("[http]\n#BUSBAR_ADMIN_TOKEN=s3cret\ndrain_ms = 1\n", "s3cret"),
    ("[http]\ndrain_ms = 1 # the password: s3cret", "s3cret"),
    ("[odb]\n\"url#\" = \"x://a:s3cret@b\" # y://c:s3cret@d and z://e:s3cret@f\n", "s3cret"),
];

#[test]
fn no_secret_is_left_and_all_come_back() {
    for (text, secret) in HOLDERS {
        let key = key();
        let hidden = hide(text, &key).unwrap();
        assert!(!hidden.contains(secret), "{hidden}");
        assert!(hidden.contains("hidden-"), "{hidden}");
        assert_eq!(hide(text, &key).unwrap(), hidden, "the same is shown the same");
        assert_eq!(hidden.parse::<toml::Table>().is_ok(), text.parse::<toml::Table>().is_ok(), "{hidden}");
        let restored = restore(&hidden, text, &key).unwrap();
        assert!(restored.kept.is_empty(), "{text}");
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        assert_eq!(table(&restored.text), table(text), "{}", restored.text);
        assert_eq!(hide(&restored.text, &key).unwrap(), hidden);
    }
}

/// Quotes, spaces and comments stay as their author has them.
#[test]
fn what_is_no_secret_stays_as_it_is() {
    let text = "# Ours: see https://wiki.example:8080/bus and ask a@b\n[odb]\nurl = 'sqlite:/var/x' # token\n\n\
                [secrets]\nmaster_key_file = \"/etc/busbar/key\"\n[admin]\nurl = \"http://127.0.0.1:1\"\n\
                token = \"\"\n[log]\nlevel=\"info,a#token=warn\"\n";
    assert_eq!(hide(text, &key()).unwrap(), text);
    let (before, after) = ("  token  =  'a'   # set by Jane, #2\n", "  # end\n");
    let key = key();
    let hidden = hide(&format!("[admin]\n{before}{after}"), &key).unwrap();
    let digest = hidden.split('\'').nth(1).unwrap();
    assert!(is_placeholder(digest), "{digest}");
    assert_eq!(hidden, format!("[admin]\n{}{after}", before.replace("'a'", &format!("'{digest}'"))));
    let url = hide("odb.url = \"postgres://u:p@h:5/d?sslmode=require\"", &key).unwrap();
    assert!(url.starts_with("odb.url = \"postgres://u:hidden-"), "{url}");
    assert!(url.ends_with("@h:5/d?sslmode=require\""), "{url}");
}

#[test]
fn digests_tell_a_change_but_neither_the_secret_nor_that_two_are_the_same() {
    let one = key();
    let hidden = hide("a.token = 'x'\nb.token = 'x'\n", &one).unwrap();
    let digests: Vec<&str> = hidden.split('\'').filter(|part| is_placeholder(part)).collect();
    assert_eq!(digests.len(), 2, "{hidden}");
    assert_ne!(digests[0], digests[1]);
    assert_ne!(hide("a.token = 'y'\nb.token = 'x'\n", &one).unwrap(), hidden);
    assert_ne!(hide("a.token = 'x'\nb.token = 'x'\n", &key()).unwrap(), hidden, "another key");
}

#[test]
fn a_secret_that_was_changed_since_stays_as_it_is_now() {
    let key = key();
    let old = hide("[admin]\ntoken = \"old\"\n[odb]\nurl = \"postgres://u:old@h/d\"\n", &key).unwrap();
    let now = "[odb]\nurl = 'postgres://u:n\\ew@h/d'\n[admin]\ntoken = \"a\\\"b\"\n[http]\ndrain_ms = 1\n";
    let restored = restore(&old, now, &key).unwrap();
    assert_eq!(restored.kept, ["admin.token", "odb.url"]);
    let (table, now): (toml::Table, toml::Table) = (restored.text.parse().unwrap(), now.parse().unwrap());
    assert_eq!((&table["admin"], &table["odb"]), (&now["admin"], &now["odb"]));
    assert!(!table.contains_key("http"));
}

/// The password of one database is not sent to another one.
#[test]
fn a_secret_is_not_put_into_another_value() {
    let key = key();
    let old = hide("[odb]\nurl = \"postgres://u:old@first/d\"\n[admin]\ntoken = \"t\"\n", &key).unwrap();
    for now in ["[odb]\nurl = \"postgres://u:new@second/d\"\n", "", "[odb]\nurl = \"postgres://first/d\"\n"] {
        let refused = restore(&old, now, &key).unwrap_err();
        let Error::Secrets { places } = &refused else { panic!("{refused}") };
        assert_eq!(places, &["admin.token", "odb.url"], "{now}");
        assert!(refused.to_string().contains("admin.token, odb.url"), "{refused}");
    }
    let comment = hide("# token = x\n", &key).unwrap();
    assert_eq!(restore(&comment, "", &key).unwrap().text, comment, "nothing depends on a comment");
}

#[test]
fn what_is_no_toml_is_refused_without_being_repeated() {
    let refused = hide("[admin]\ntoken = s3cret\n", &key()).unwrap_err();
    assert!(matches!(refused, Error::NotToml { .. }) && !refused.to_string().contains("s3cret"), "{refused}");
}

#[test]
fn placeholders_are_known() {
    assert!(is_placeholder("hidden-0123456789abcdef"));
    for text in
        ["hidden-0123456789abcde", "hidden-0123456789abcdeg", "hidden-", "", "xhidden-0123456789abcdef"]
    {
        assert!(!is_placeholder(text), "{text}");
    }
    assert!(holds_placeholder("x://hidden-a:hidden-0123456789abcdef@y"));
    assert!(!holds_placeholder("hidden-012345678ä") && !holds_placeholder("x://u:hidden-gem@y"));
}
