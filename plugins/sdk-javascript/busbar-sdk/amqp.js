/**
 * Messages to brokers of others (AMQP 0-9-1), by a connection that the plugin is granted.
 *
 *     const order = { exchange: 'shop', routingKey: 'orders.new', body: { sku: 'tea' }, headers: { tenant: 'acme' } };
 *     amqp.handOver('broker', order);
 *     amqp.publish('broker', order);
 */

import * as bus from 'busbar:bus/amqp@0.1.0';
import { optionsOf } from './deliver.js';
import { tried } from './fault.js';
import { toBus, toJson } from './payload.js';

/**
 * What is not given is not sent, except that the bus gives a correlation id (the call's) and a message id (of its own).
 * Texts have at most 255 bytes, the headers 64 KiB, the body 16 MiB.
 *
 * @typedef {object} Message
 * @property {string} [exchange] The empty one, as without, leads to the queue that the routing key names.
 * @property {string} routingKey
 * @property {any} [body] A text or a Uint8Array as it is, anything else as JSON.
 * @property {string} [contentType] Without: by the body, `application/json`, `text/plain` or none.
 * @property {Record<string, string>} [headers]
 * @property {string} [contentEncoding]
 * @property {string} [correlationId]
 * @property {string} [replyTo] The queue for an answer.
 * @property {string} [messageId]
 * @property {string} [kind] The property `type`.
 * @property {number} [priority]
 * @property {number} [expirationMs] How long the broker keeps it.
 */

/**
 * At once, past the unit of work: what is published stays so whatever becomes of the call, and a call that is tried again
 * publishes again. Returns when the broker has confirmed that each queue has the message.
 *
 * Throws faults with the code `not-granted`, `connection-unknown`, `invalid-input`, `too-large`, `unroutable` (no queue gets
 * it), `broker-refused`, `broker-unavailable` and `connection-unusable` (not sent: to be tried later) or `unconfirmed` (it
 * may have arrived).
 * @param {string} connection
 * @param {Message} message
 */
export function publish(connection, message) {
  tried(() => bus.publish(connection, messageOf(message)));
}

/**
 * As part of the unit of work: sent once the call's effects are committed, and again until the broker confirms it. The
 * result is the delivery's id, which is the message id too if none is given.
 * @param {string} connection
 * @param {Message} message
 * @param {object} [options] Those of `deliver.send`.
 */
export function handOver(connection, message, options = {}) {
  return tried(() => bus.handOver(connection, messageOf(message), optionsOf(options)));
}

function messageOf({ exchange = '', routingKey, body, contentType, headers = {}, ...properties }) {
  const isText = typeof body === 'string';
  const asIs = isText || body === undefined || ArrayBuffer.isView(body);
  return {
    exchange,
    routingKey,
    contentType: contentType ?? (isText ? 'text/plain; charset=utf-8' : asIs ? undefined : 'application/json'),
    properties: { headers: Object.entries(headers), ...properties },
    payload: toBus(asIs ? body : toJson(body)),
  };
}
