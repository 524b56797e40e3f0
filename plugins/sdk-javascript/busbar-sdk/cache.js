/**
 * Values that the plugin keeps in the memory of one worker process: bounded, lost when it ends, not shared between workers.
 * The least recently used go first.
 */

import * as bus from 'busbar:bus/cache@0.1.0';
import { parsed, toJson } from './payload.js';

/** A Uint8Array, or undefined. */
export function get(key) {
  return bus.get(key);
}

/** What was put as JSON, or undefined. */
export function getJson(key) {
  const value = get(key);
  return value && parsed(value);
}

/** False if the value is larger than the cache takes. */
export function put(key, value, { ttlMs } = {}) {
  return bus.put(key, value, ttlMs === undefined ? undefined : BigInt(ttlMs));
}

export function putJson(key, value, how) {
  return put(key, toJson(value), how);
}

export function remove(key) {
  bus.delete(key);
}
