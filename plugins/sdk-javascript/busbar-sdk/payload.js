/** What raw services get and give, and the bytes of a payload. */

import { InvalidInput, Reject } from './fault.js';

/** What one read asks of the bus, in bytes. */
const READ_BYTES = 64 * 1024;

/** A payload and its content type, to be read whole. */
class Message {
  constructor(payload, contentType) {
    this.payload = payload;
    this.contentType = contentType;
  }

  /** The whole body, as a Uint8Array. */
  bytes() {
    return whole(this.payload);
  }

  text() {
    return decoded(this.bytes());
  }

  json() {
    return parsed(this.bytes());
  }
}

/**
 * What a raw service is called with. `payload` is undefined, a Uint8Array, or a body handle where it is large; that may be
 * put into a `Response` unread, and then no byte of it passes through the service.
 */
export class Request extends Message {
  constructor(payload, { contentType } = {}) {
    super(payload, contentType);
  }
}

/** What a raw service answers with: a text, a Uint8Array, a body handle or nothing. `status` is 200 if not given. */
export class Response extends Message {
  constructor(payload, { contentType, status, headers = {} } = {}) {
    super(payload, contentType);
    this.status = status;
    this.headers = headers;
  }
}

/** All bytes of a payload. Throws a Reject: `too-large` (413) or `body-broken`; else what `translate` makes of it. */
export function whole(payload, translate = bodyFault) {
  if (payload === undefined) return new Uint8Array();
  if (typeof payload === 'string') return new TextEncoder().encode(payload);
  // Not `instanceof`: what the bus gives is of another realm.
  if (ArrayBuffer.isView(payload)) return payload;
  const pieces = [];
  let length = 0;
  try {
    for (let piece = payload.read(READ_BYTES); piece.length > 0; piece = payload.read(READ_BYTES)) {
      pieces.push(piece);
      length += piece.length;
    }
  } catch (error) {
    throw Object.hasOwn(error, 'payload') ? translate(error.payload) : error;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function bodyFault({ tag, val }) {
  if (tag === 'too-large') return new Reject('too-large', 'the body is larger than allowed', { status: 413 });
  return new Reject('body-broken', `the body broke off: ${val}`);
}

function decoded(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidInput([{ path: '', message: 'not UTF-8' }]);
  }
}

/** JSON, or `invalid-input`. */
export function parsed(bytes) {
  const text = decoded(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInput([{ path: '', message: `not JSON: ${error.message}` }]);
  }
}

/** From the contract's form. */
export function ofBus(payload) {
  return payload.tag === 'empty' ? undefined : payload.val;
}

/** To the contract's form. */
export function toBus(payload) {
  if (payload === undefined || payload === null) return { tag: 'empty' };
  if (typeof payload === 'string' || ArrayBuffer.isView(payload)) return { tag: 'bytes', val: whole(payload) };
  return { tag: 'stream', val: payload };
}

/** JSON as it is sent. */
export function toJson(value) {
  return new TextEncoder().encode(JSON.stringify(value === undefined ? null : value));
}
