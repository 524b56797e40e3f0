//! Putting messages into a broker and taking them out, past the client that is under test.

use crate::{broker::Broker, control::binary};

/// One that was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub body: String,
    pub redelivered: bool,
}

/// A channel of the broker's own client `H`, on which publishing is confirmed, around an expression.
fn on_channel(vhost: &str, expression: &str) -> String {
    format!(
        "{{ok, C}} = amqp_connection:start({{amqp_params_direct, <<\"guest\">>, none, {}, node(), none, []}}),
         {{ok, H}} = amqp_connection:open_channel(C),
         amqp_channel:call(H, {{'confirm.select', false}}),
         try {expression} after amqp_connection:close(C) end",
        binary(vhost.as_bytes())
    )
}

impl Broker {
    /// Publishes a persistent message and waits for the confirm.
    pub fn publish(&self, vhost: &str, exchange: &str, routing_key: &str, body: &[u8]) {
        self.publish_as(vhost, exchange, routing_key.as_bytes(), "[]", &binary(body));
    }

    /// The same with anything for a routing key, and with headers and body as Erlang says them: a list of tuples of
    /// name, type and value, as `{<<"n">>, long, 1}`, and a binary.
    pub fn publish_as(&self, vhost: &str, exchange: &str, routing_key: &[u8], headers: &str, body: &str) {
        let (exchange, key) = (binary(exchange.as_bytes()), binary(routing_key));
        // All properties after the delivery mode.
        let none = ", undefined".repeat(10);
        let publish = format!(
            "ok = amqp_channel:call(H, {{'basic.publish', 0, {exchange}, {key}, false, false}},
               {{amqp_msg, {{'P_basic', undefined, undefined, {headers}, 2{none}}}, {body}}}),
             true = amqp_channel:wait_for_confirms(H, 60), <<>>"
        );
        self.evaluate(&on_channel(vhost, &publish));
    }

    /// Declares a durable queue, of the type `classic` or `quorum`.
    pub fn declare(&self, vhost: &str, queue: &str, kind: &str) {
        let (queue, kind) = (binary(queue.as_bytes()), binary(kind.as_bytes()));
        let declare = format!(
            "amqp_channel:call(H, {{'queue.declare', 0, {queue}, false, true, false, false, false,
               [{{<<\"x-queue-type\">>, longstr, {kind}}}]}}), <<>>"
        );
        self.evaluate(&on_channel(vhost, &declare));
    }

    pub fn delete(&self, vhost: &str, queue: &str) {
        let queue = binary(queue.as_bytes());
        self.evaluate(&on_channel(
            vhost,
            &format!("amqp_channel:call(H, {{'queue.delete', 0, {queue}, false, false, false}}), <<>>"),
        ));
    }

    /// Takes all messages that are ready out of a queue, in their order.
    pub fn take_all(&self, vhost: &str, name: &str) -> Vec<Message> {
        let queue = binary(name.as_bytes());
        let take = format!(
            "(fun Next(Taken) ->
               case amqp_channel:call(H, {{'basic.get', 0, {queue}, true}}) of
                 {{{{'basic.get_ok', _, Redelivered, _, _, _}}, {{amqp_msg, _, Body}}}} ->
                   Next([[base64:encode(Body), \" \", atom_to_list(Redelivered), \"\\n\"] | Taken]);
                 {{'basic.get_empty', _}} -> lists:reverse(Taken)
               end
             end)([])"
        );
        let mut taken = Vec::new();
        // Just after a kill a classic queue may say that there is none while it has some; the depth of a quorum queue
        // is seconds old.
        loop {
            taken.extend(self.evaluate(&on_channel(vhost, &take)).lines().map(read));
            if self.depth(vhost, name).is_none_or(|depth| depth == 0) {
                return taken;
            }
        }
    }
}

fn read(line: &str) -> Message {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (body, redelivered) = line.split_once(' ').expect("a line is a body and whether it was redelivered");
    let body = STANDARD.decode(body).expect("a body is in base64");
    Message { body: String::from_utf8_lossy(&body).into_owned(), redelivered: redelivered == "true" }
}
