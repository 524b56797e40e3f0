"""Sends messages with pika, and takes what comes of them; see README.md."""

import json
import sys
import time
import uuid

import pika

# Seconds for one message to come, on a machine that is busy.
BOUND = 60

DIRECT = "amq.rabbitmq.reply-to"


def main():
    task = json.load(sys.stdin)
    connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
    answers = [call(connection, one) for one in task.get("call", [])]
    followed = follow(connection, task["follow"]) if "follow" in task else []
    connection.close()
    json.dump({"answers": answers, "followed": followed}, sys.stdout)


def call(connection, message):
    """A call as RabbitMQ's tutorials make one. Direct answers come only to the channel that asked."""
    channel = connection.channel()
    own = DIRECT if message.get("direct") else channel.queue_declare("", exclusive=True).method.queue
    given = {"correlation_id": str(uuid.uuid4()), "reply_to": own, **message.get("properties", {})}
    asked = {**message, "routing_key": message["queue"], "properties": given}
    return take(connection, channel, own, [asked])[0]


def follow(connection, task):
    channel = connection.channel()
    own = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(own, task["exchange"], task["routing_key"])
    return take(connection, channel, own, task["publish"])


def take(connection, channel, queue, messages):
    """Publishes these, and takes as many out of the queue, whose consumer is there before."""
    taken = []
    channel.basic_consume(queue, lambda _, *message: taken.append(shown(*message)), auto_ack=True)
    channel.confirm_delivery()
    for message in messages:
        before = len(taken)
        publish(channel, message)
        deadline = time.monotonic() + BOUND
        while len(taken) == before:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing came for {message}")
            connection.process_data_events(time_limit=1)
    channel.close()
    return taken


def publish(channel, message):
    """Raises where it reaches no queue, or the broker does not take it."""
    properties = {"content_type": "application/json", **message.get("properties", {})}
    channel.basic_publish(
        message.get("exchange", ""),
        message["routing_key"],
        json.dumps(message["body"]).encode(),
        pika.BasicProperties(**properties),
        mandatory=True,
    )


def shown(method, properties, body):
    return {
        "body": body.decode(),
        "exchange": method.exchange,
        "routing_key": method.routing_key,
        "properties": {name: value for name, value in vars(properties).items() if value is not None},
    }


if __name__ == "__main__":
    main()
