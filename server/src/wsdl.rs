//! A WSDL from where it is: itself, and what it and its imports refer to. Bounded in number, bytes and time.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use busbar_admin::{FetchWsdl, Wsdl};
use busbar_egress::{Auth, Connection, Outside, Redirects, Request, Settings, Timeouts};
use busbar_model::{
    bounds::{CONNECTION_WSDL_BYTES_MAX, CONNECTION_WSDL_DOCUMENTS_MAX, CONNECTION_WSDL_FETCH_MS},
    connection::{
        Http,
        http::Retries,
        soap::{self, Documents},
    },
};
use busbar_soap::{
    charset::decode,
    client::{Document, references, resolve},
};
use http::Method;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout};
use url::{Origin, Url};

use crate::outgoing;

/// Within one origin.
const REDIRECTS_MAX: u32 = 5;

pub(crate) fn fetcher() -> Wsdl {
    Arc::new(|wanted: FetchWsdl| {
        Box::pin(async move {
            let bound = Duration::from_millis(CONNECTION_WSDL_FETCH_MS);
            let late = |_| format!("it took longer than {} ms", bound.as_millis());
            timeout(bound, fetch(wanted, Instant::now() + bound)).await.map_err(late)?
        })
    })
}

async fn fetch(wanted: FetchWsdl, deadline: Instant) -> Result<Documents, String> {
    let mut origins = Origins::of(wanted.http, &wanted.url, deadline)?;
    let mut awaited = VecDeque::from([wanted.url.clone()]);
    let mut seen = HashSet::from([wanted.url]);
    let (mut documents, mut left) = (Vec::new(), CONNECTION_WSDL_BYTES_MAX);
    while let Some(location) = awaited.pop_front() {
        if documents.len() >= CONNECTION_WSDL_DOCUMENTS_MAX {
            return Err(format!("there are more than {CONNECTION_WSDL_DOCUMENTS_MAX} documents"));
        }
        let bytes = origins.get(&location, left).await.map_err(|error| format!("{location}: {error}"))?;
        left = left.saturating_sub(bytes.len());
        let text = decode(&bytes, None).map_err(|refusal| format!("{location}: {refusal}"))?.into_owned();
        let document = Document { location, text };
        for reference in references(&document).map_err(|refused| refused.to_string())? {
            let resolved = resolve(&document.location, &reference.location);
            let resolved = resolved.filter(|location| soap::wsdl_url(location).is_ok()).ok_or_else(|| {
                let Document { location, .. } = &document;
                format!("{location}: {:?} leads to nothing that can be fetched", reference.location)
            })?;
            if seen.insert(resolved.clone()) {
                awaited.push_back(resolved);
            }
        }
        documents.push(soap::Document { location: document.location, text: document.text });
    }
    Ok(Documents { documents })
}

/// A client for each origin that documents are at.
struct Origins {
    /// The one that is shown the credentials, and how it is called.
    own: (Origin, Http<String>),
    clients: HashMap<String, Connection>,
    outside: Outside,
    deadline: Instant,
}

impl Origins {
    /// What names no base URL has credentials for whom the WSDL is fetched from.
    fn of(http: Http<busbar_store::Plaintext>, url: &str, deadline: Instant) -> Result<Self, String> {
        let base = if http.settings.base_url.is_empty() { url } else { &http.settings.base_url };
        let own = Url::parse(base).map_err(|error| error.to_string())?.origin();
        let open = |secret: busbar_store::Plaintext| secret.reveal().to_owned();
        let Http { settings, credential, client_key } = http;
        let http = Http { settings, credential: credential.map(open), client_key: client_key.map(open) };
        Ok(Self { own: (own, http), clients: HashMap::new(), outside: Outside::system(), deadline })
    }

    async fn get(&mut self, location: &str, bytes_max: usize) -> Result<Vec<u8>, String> {
        let url = Url::parse(location).map_err(|error| error.to_string())?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path()).parse().map_err(|_| "it has no path".to_owned())?;
        let request = Request { deadline: Some(self.deadline), ..Request::new(Method::GET, path) };
        let reply = self.client(&url.origin())?.call(request).await.map_err(|error| error.to_string())?;
        if !reply.status().is_success() {
            return Err(format!("it answers with status {}", reply.status()));
        }
        let (mut body, mut bytes) = (reply.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| error.to_string())?;
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            if bytes.len() > bytes_max {
                return Err(format!("all together are more than {CONNECTION_WSDL_BYTES_MAX} bytes"));
            }
        }
        Ok(bytes)
    }

    fn client(&mut self, origin: &Origin) -> Result<&Connection, String> {
        let base_url = origin.ascii_serialization();
        if !self.clients.contains_key(&base_url) {
            let made = outgoing::http(self.settings(origin, base_url.clone()), self.outside.clone())?;
            self.clients.insert(base_url.clone(), made);
        }
        self.clients.get(&base_url).ok_or_else(|| "it has no client".to_owned())
    }

    /// Others are called as anyone would.
    fn settings(&self, origin: &Origin, base_url: String) -> Http<String> {
        let (own, http) = &self.own;
        let Http { settings, credential, client_key } = if origin == own {
            http.clone()
        } else {
            let settings = Settings { auth: Auth::default(), ..Settings::new(&base_url) };
            Http { settings, credential: None, client_key: None }
        };
        let bound = CONNECTION_WSDL_FETCH_MS;
        let settings = Settings {
            base_url,
            timeouts: Timeouts { connect_ms: bound, first_byte_ms: bound, total_ms: bound },
            retries: Retries { max: 0, ..Retries::default() },
            breaker: None,
            limits: busbar_egress::Limits::default(),
            redirects: Redirects::SameOrigin { max: REDIRECTS_MAX },
            bodies: busbar_egress::Bodies::default(),
            ..settings
        };
        Http { settings, credential, client_key }
    }
}
