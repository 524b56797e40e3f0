/** `busbar:bus/amqp` */

import { state } from '../state.js';

export function publish(connection, message) {
  state().published.push({ connection, ...shown(message) });
}

export function handOver(connection, message) {
  state().messages.push({ connection, ...shown(message) });
  return `message-${state().messages.length}`;
}

/** As a test wants to compare it: the body as a text, and only what is set. */
function shown({ exchange, routingKey, contentType, properties, payload }) {
  const { headers, ...rest } = properties;
  const set = Object.entries({ contentType, ...rest }).filter(([, value]) => value !== undefined);
  const body = payload.tag === 'empty' ? '' : new TextDecoder().decode(payload.val);
  return { exchange, routingKey, body, headers: Object.fromEntries(headers), ...Object.fromEntries(set) };
}
