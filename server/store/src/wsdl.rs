//! What a connection's WSDL says of the connection itself.

use busbar_model::connection::Client;

use crate::error::Error;

/// The same with what its WSDL has and nobody gave. A WSDL that can't be used is refused.
pub(crate) fn completed<S>(client: Client<S>) -> Result<Client<S>, Error> {
    match client {
        Client::Soap(soap) if soap.http.settings.base_url.is_empty() => {
            Err(Error::UnusableWsdl("it has no address, and no base_url is given".to_owned()))
        }
        other => Ok(other),
    }
}
