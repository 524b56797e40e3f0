//! What a connection's WSDL says of the connection itself.

use busbar_model::{
    bounds::CONNECTIONS_WSDL_BYTES_MAX,
    connection::{
        Client, Soap,
        http::origin::Base,
        soap::{Documents, Version},
    },
};
use busbar_soap::{
    client::{self, Document},
    version,
};

use crate::{connection::AnyConnection, connections, error::Error};

/// The same with what its WSDL has and nobody gave. A WSDL that can't be used is refused, and one that `present` has
/// already is not read again.
pub(crate) fn completed<S, P>(client: Client<S>, present: Option<&Client<P>>) -> Result<Client<S>, Error> {
    let Client::Soap(soap) = client else { return Ok(client) };
    if let Some(Client::Soap(present)) = present
        && present.version.is_some()
        && !soap.http.settings.base_url.is_empty()
        && (&soap.wsdl, &soap.service, &soap.port) == (&present.wsdl, &present.service, &present.port)
    {
        return Ok(Client::Soap(Soap { version: present.version, ..soap }));
    }
    read(soap).map(Client::Soap).map_err(Error::UnusableWsdl)
}

fn read<S>(mut soap: Soap<S>) -> Result<Soap<S>, String> {
    soap.wsdl.check_locations().map_err(|refused| refused.to_string())?;
    let documents = documents(&soap.wsdl);
    let read = client::Client::read(&documents, soap.service.as_deref(), soap.port.as_deref());
    let read = read.map_err(|refused| refused.to_string())?;
    soap.version = Some(match read.version {
        version::Version::V11 => Version::V11,
        version::Version::V12 => Version::V12,
    });
    let address = &mut soap.http.settings.base_url;
    if address.is_empty() {
        *address = read.address.ok_or("it has no address, and no base_url is given")?;
        Base::parse("its address", address).map_err(|invalid| invalid.to_string())?;
    }
    Ok(soap)
}

/// Of two that are saved at once each may take the same room: that is little, and workers bear it.
pub(crate) fn require_room(connection: &mut AnyConnection) -> Result<(), Error> {
    let bytes =
        connections::all(connection)?.iter().map(|connection| bytes(&connection.client)).sum::<usize>();
    let most = CONNECTIONS_WSDL_BYTES_MAX;
    if bytes > most { Err(Error::WsdlsFull { would: bytes, most }) } else { Ok(()) }
}

fn bytes<S>(client: &Client<S>) -> usize {
    if let Client::Soap(soap) = client { soap.wsdl.bytes() } else { 0 }
}

/// As they are read.
pub fn documents(wsdl: &Documents) -> Vec<Document> {
    let document = |given: &busbar_model::connection::soap::Document| Document {
        location: given.location.clone(),
        text: given.text.clone(),
    };
    wsdl.documents.iter().map(document).collect()
}
