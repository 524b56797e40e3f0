/**
 * HTTP to systems of others, by a connection that the plugin is granted. Address, credentials, time limits, retries and the
 * circuit are the connection's; a service says what is asked for.
 *
 *     const item = http.get('prices', '/items/4711');
 *     if (item.status === 404) throw new Reject('item-unknown', 'there is no such item', { status: 404 });
 *     const { cents } = item.success().json();
 *     http.post('prices', '/orders', order, { headers: { 'x-tenant': 'acme' } }).success();
 */

import * as bus from 'busbar:bus/http@0.1.0';
import { Fail, tried } from './fault.js';
import { Response as Given, ofBus, parsed, toBus, toJson, whole } from './payload.js';

/** A reply, of whatever status. `payload` is a body handle, unless it is small or there is none. */
export class Response {
  constructor({ status, contentType, headers, payload }) {
    this.payload = ofBus(payload);
    this.status = status ?? (this.payload === undefined ? 204 : 200);
    this.contentType = contentType;
    this.headers = headers;
  }

  /** The first one of that name, in whatever case; the content type is not among them. */
  header(name) {
    return this.headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
  }

  /** Itself, if the status is 2xx; else it throws a Fail that names the status. */
  success() {
    if (this.status >= 200 && this.status < 300) return this;
    throw new Fail(`the other side answered with status ${this.status}`);
  }

  /** The whole body. Throws a Fail: `bad-reply` if it is too large, `no-reply` if it broke off. */
  bytes() {
    return whole(this.payload, broken);
  }

  text() {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes());
    } catch (error) {
      throw error instanceof Fail ? error : new Fail('the reply is no UTF-8', { code: 'bad-reply' });
    }
  }

  /** Throws a Fail `bad-reply` if the body is no JSON. */
  json() {
    return decoded(this.bytes(), 'the reply');
  }

  /** To return it from a raw service: of a body handle, no byte passes through here. */
  passedOn() {
    return new Given(this.payload, { ...this, headers: Object.fromEntries(this.headers) });
  }
}

/**
 * A reply of any status is a reply.
 *
 * Throws faults. Of nothing that was sent: `not-granted`, `connection-unknown`, `connection-unusable`, `invalid-input`,
 * `invoke-limit`, `unreachable`, `address-refused`, `no-credentials`, `circuit-open`, `connection-busy`. Where the other
 * side may have acted on it: `no-reply`, `bad-reply`, `redirect-refused`, `too-large`.
 * @param {string} connection
 * @param {object} request
 * @param {string} request.method As it is sent: `GET`.
 * @param {string} request.path What comes behind the connection's base address, percent-encoded.
 * @param {Record<string, string>} [request.query] Is encoded here.
 * @param {Record<string, string>} [request.headers]
 * @param {any} [request.body] A text, a Uint8Array or a body handle as it is, anything else as JSON. The connection's own
 * retries never send a body handle again.
 * @param {string} [request.contentType] Without: by the body.
 * @param {number} [request.timeoutMs] Never longer than the connection's.
 */
export function send(connection, { method, path, query = {}, headers = {}, body, contentType, timeoutMs }) {
  const request = {
    method,
    path: withQuery(path, query),
    headers: Object.entries(headers),
    ...typed(body, contentType),
    timeoutMs: timeoutMs === undefined ? undefined : BigInt(timeoutMs),
  };
  return new Response(tried(() => bus.send(connection, request)));
}

export const get = (connection, path, more) => send(connection, { ...more, method: 'GET', path });
export const post = (connection, path, body, more) => send(connection, { ...more, method: 'POST', path, body });
export const put = (connection, path, body, more) => send(connection, { ...more, method: 'PUT', path, body });
export const patch = (connection, path, body, more) => send(connection, { ...more, method: 'PATCH', path, body });
const remove = (connection, path, more) => send(connection, { ...more, method: 'DELETE', path });
export { remove as delete };

function withQuery(path, query) {
  const pairs = Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  if (pairs.length === 0) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}

function typed(body, contentType) {
  if (typeof body === 'string') return { contentType: contentType ?? 'text/plain; charset=utf-8', payload: toBus(body) };
  if (body === undefined || ArrayBuffer.isView(body) || typeof body?.read === 'function') {
    return { contentType, payload: toBus(body) };
  }
  return { contentType: contentType ?? 'application/json', payload: toBus(toJson(body)) };
}

function broken({ tag, val }) {
  if (tag === 'too-large') return new Fail('the reply is larger than allowed', { code: 'bad-reply' });
  return new Fail(`the reply broke off: ${val}`, { code: 'no-reply' });
}

/** What another side gave as JSON. */
export function decoded(bytes, what) {
  try {
    return parsed(bytes);
  } catch (error) {
    throw new Fail(`${what} is not as expected: ${error.errors?.[0].message ?? error.message}`, { code: 'bad-reply' });
  }
}
