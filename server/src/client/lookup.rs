//! Objects by their name or id.

use anyhow::anyhow;
use serde_json::Value;

use super::{
    answer::Error,
    api::{Api, encoded},
};

/// A kind of object that the API knows by id, people by name.
pub(crate) struct Kind {
    /// Where they are.
    pub(crate) path: &'static str,
    pub(crate) noun: &'static str,
}

impl Kind {
    pub(crate) fn href(&self, id: &str) -> String {
        format!("{}/{}", self.path, encoded(id))
    }

    /// The one of that name or id.
    pub(crate) async fn find(&self, api: &Api, key: &str) -> anyhow::Result<Value> {
        if is_id(key) {
            match api.get(self.href(key)).await {
                Err(error) if error.is_not_found() => {}
                found => return Ok(found?),
            }
        }
        let named = api.list(&format!("{}?name={}", self.path, encoded(key))).await?;
        let found = named.into_iter().find(|item| item["name"] == key);
        found.ok_or_else(|| anyhow!("{} {key:?} does not exist", self.noun))
    }

    /// Where the one of that name or id is.
    pub(crate) async fn locate(&self, api: &Api, key: &str) -> anyhow::Result<String> {
        let found = self.find(api, key).await?;
        let id = found["id"].as_str().ok_or_else(|| Error::NoLocation { url: self.href(key) })?;
        Ok(self.href(id))
    }
}

/// Whether a text has the form of an id, which is a UUID; a name may have it, too.
fn is_id(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Kind;
    use crate::client::{api::Api, fake::Fake};

    const KIND: Kind = Kind { path: "/things", noun: "thing" };
    const ID: &str = "0190aaaa-0000-7000-8000-000000000001";

    #[tokio::test]
    async fn a_name_or_an_id_will_do() {
        let fake = Fake::start(|asked| match asked.line().as_str() {
            "GET /things?name=a.b&limit=500" => {
                (200, json!({"items": [{"id": ID, "name": "a.b"}], "next": null}))
            }
            "GET /things/0190aaaa-0000-7000-8000-000000000001" => (200, json!({"id": ID, "name": "a.b"})),
            line if line.starts_with("GET /things?") => (200, json!({"items": [], "next": null})),
            _ => (404, json!({})),
        })
        .await;
        let api = Api::admin(fake.access()).unwrap_or_else(|error| panic!("{error}"));
        for key in ["a.b", ID] {
            assert_eq!(KIND.locate(&api, key).await.unwrap(), format!("/things/{ID}"));
        }
        for unknown in ["x/y", "0190aaaa-0000-7000-8000-000000000002"] {
            let error = KIND.find(&api, unknown).await.unwrap_err();
            assert_eq!(error.to_string(), format!("thing {unknown:?} does not exist"));
        }
    }
}
