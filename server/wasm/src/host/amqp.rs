//! `busbar:bus/amqp`: messages to brokers of others.

use std::sync::Arc;

use busbar_engine::publish;
use busbar_model::delivery;

use crate::{
    bindings::busbar::bus::{
        amqp::{Host, Message, Options, Properties},
        types::{Fault, Request},
    },
    fault::to_guest,
    host::deliver::wanted,
    state::CallState,
};

impl Host for CallState {
    async fn publish(&mut self, connection: String, message: Message) -> wasmtime::Result<Result<(), Fault>> {
        let message = self.message(connection, message)?;
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        let published = Arc::clone(&call.invoker).publish(call.origin.clone(), message);
        Ok(published.await.map_err(to_guest))
    }

    async fn hand_over(
        &mut self,
        connection: String,
        message: Message,
        options: Options,
    ) -> wasmtime::Result<Result<String, Fault>> {
        let message = self.message(connection, message)?;
        let call = self.current()?;
        if let Err(fault) = call.count() {
            return Ok(Err(to_guest(fault)));
        }
        Ok(publish::hand_over(&call.origin, message, wanted(options)).await.map_err(to_guest))
    }
}

impl CallState {
    fn message(&mut self, connection: String, message: Message) -> wasmtime::Result<publish::Message> {
        let Message { exchange, routing_key, content_type, properties, payload } = message;
        let input = self.request_out(Request { content_type, payload })?;
        Ok(publish::Message { connection, exchange, routing_key, properties: known(properties), input })
    }
}

fn known(properties: Properties) -> delivery::Properties {
    let Properties {
        headers,
        content_encoding,
        correlation_id,
        reply_to,
        message_id,
        kind,
        priority,
        expiration_ms,
    } = properties;
    delivery::Properties {
        headers,
        content_encoding,
        correlation_id,
        reply_to,
        message_id,
        kind,
        priority,
        expiration_ms,
    }
}
