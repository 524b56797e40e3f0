"""Messages to brokers of others (AMQP 0-9-1), by a connection that the plugin is granted.

```python
order = amqp.Message("shop", "orders.new", {"sku": "tea"}, headers={"tenant": "acme"}, kind="order")
amqp.hand_over("broker", order)
amqp.publish("broker", order)
```
"""

from dataclasses import dataclass, field

from . import payload
from .deliver import Options
from .fault import received
from .host import Err, bus
from .invoke import encoded


@dataclass
class Message:
    """What is None is not sent, except that the bus gives a correlation id (the call's) and a message id (of its own).
    Texts have at most 255 bytes, the headers 64 KiB, the body 16 MiB.
    """

    #: The empty one leads to the queue that the routing key names.
    exchange: str
    routing_key: str
    #: Bytes or a text as they are; a dataclass or anything that JSON has as JSON.
    body: object = b""
    #: None: by the body, `application/json`, `text/plain` or none.
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content_encoding: str | None = None
    correlation_id: str | None = None
    #: The queue for an answer.
    reply_to: str | None = None
    message_id: str | None = None
    #: The property `type`.
    kind: str | None = None
    priority: int | None = None
    #: How long the broker keeps it.
    expiration_ms: int | None = None

    def to_bus(self):
        """As the contract has it."""
        body, content_type = self.body, self.content_type
        if isinstance(body, str):
            content_type = content_type or "text/plain; charset=utf-8"
        elif not isinstance(body, (bytes, bytearray)):
            body, content_type = payload.to_json(encoded(body)), content_type or "application/json"
        properties = bus.amqp.Properties(
            list(self.headers.items()),
            self.content_encoding,
            self.correlation_id,
            self.reply_to,
            self.message_id,
            self.kind,
            self.priority,
            self.expiration_ms,
        )
        return bus.amqp.Message(self.exchange, self.routing_key, content_type, properties, payload.to_bus(body))


def publish(connection: str, message: Message) -> None:
    """At once, past the unit of work: what is published stays so whatever becomes of the call, and a call that is tried
    again publishes again. Returns when the broker has confirmed that each queue has the message.

    Raises faults with the code `not-granted`, `connection-unknown`, `invalid-input`, `too-large`, `unroutable` (no queue
    gets it), `broker-refused`, `broker-unavailable` and `connection-unusable` (not sent: to be tried later) or
    `unconfirmed` (it may have arrived).
    """
    try:
        bus.amqp.publish(connection, message.to_bus())
    except Err as error:
        raise received(error.value) from None


def hand_over(connection: str, message: Message, options: Options | None = None) -> str:
    """As part of the unit of work: sent once the call's effects are committed, and again until the broker confirms it.
    The result is the delivery's id, which is the message id too if none is set.
    """
    try:
        return bus.amqp.hand_over(connection, message.to_bus(), (options or Options()).to_bus())
    except Err as error:
        raise received(error.value) from None
