/**
 * Values that the plugin keeps in the operational database, under keys of its own.
 *
 * Writes belong to the unit of work of the call from outside: they are committed together, after it succeeds and before its
 * reply; a fault discards them. Reads see the call's own writes. Versions are BigInts.
 */

import * as bus from 'busbar:bus/kv@0.1.0';
import { Fail, Reject, RetryAfter, tried } from './fault.js';
import { parsed, toJson } from './payload.js';

/** The version of a key that has no value. */
export const ABSENT = 0n;

/** `{value: Uint8Array, version}`, or undefined. */
export function get(key) {
  return at(key, () => bus.get(key));
}

/** `{value, version}` of a value that is JSON, or undefined. */
export function getJson(key) {
  const entry = get(key);
  return entry && { value: json(key, entry.value), version: entry.version };
}

/**
 * Throws a Reject `conflict` (409) if the key has another version than `expected`, at once or at the commit.
 *
 * @param {string} key
 * @param {Uint8Array} value
 * @param {{expected?: bigint, ttlMs?: number}} [how] `expected` is the version that the key must have until the commit,
 * `ABSENT` for none; `ttlMs` is for how long it is kept.
 */
export function put(key, value, { expected, ttlMs } = {}) {
  at(key, () => bus.put(key, value, expected, ttlMs === undefined ? undefined : BigInt(ttlMs)));
}

/** As `put`, of anything that JSON has. */
export function putJson(key, value, how) {
  put(key, toJson(value), how);
}

export function remove(key, { expected } = {}) {
  at(key, () => bus.delete(key, expected));
}

/** Adds to a whole number; what is not there is 0. Increments of concurrent calls all count and never conflict. */
export function increment(key, by = 1) {
  return Number(at(key, () => bus.increment(key, BigInt(by))));
}

/**
 * Keys that begin with `prefix`, in the order of their bytes, from behind `after`: `{entries: [[key, {value, version}]],
 * next}`, where `next` is what `after` is for the next page, undefined at the end.
 */
export function list(prefix, { after, limit = 100 } = {}) {
  return at(prefix, () => bus.list(prefix, after, limit));
}

function json(key, value) {
  try {
    return parsed(value);
  } catch (error) {
    throw new Fail(`the value of ${key} is not as expected: ${error.errors?.[0].message ?? error.message}`);
  }
}

function at(key, call) {
  return tried(call, ({ tag, val }) => {
    switch (tag) {
      case 'conflict':
        return new Reject('conflict', 'what this call was based on was changed meanwhile', { status: 409 });
      case 'limit':
        return new Fail(`key ${key}: ${val}`, { code: 'limit' });
      case 'not-a-number':
        return new Fail(`the value of ${key} is no integer`, { code: 'not-a-number' });
      default:
        return new RetryAfter(1, "the database can't be read at present", { code: 'odb-unavailable' });
    }
  });
}
