/** `busbar:bus/kv` */

import { refusal, state } from '../state.js';

function set(key, value) {
  state().version += 1n;
  state().kv.set(key, { value, version: state().version });
}

function expect(key, expected) {
  const version = state().kv.get(key)?.version ?? 0n;
  if (expected !== undefined && version !== expected) throw refusal({ tag: 'conflict' });
}

function remove(key, expected) {
  expect(key, expected);
  state().kv.delete(key);
}

export const get = (key) => state().kv.get(key);

export function put(key, value, expected) {
  expect(key, expected);
  set(key, value);
}

export function increment(key, by) {
  const text = new TextDecoder().decode(get(key)?.value ?? new TextEncoder().encode('0'));
  if (!/^-?\d+$/.test(text)) throw refusal({ tag: 'not-a-number' });
  const sum = BigInt(text) + by;
  set(key, new TextEncoder().encode(String(sum)));
  return sum;
}

export function list(prefix, after = '', limit) {
  const keys = [...state().kv.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const entries = keys.slice(0, limit).map((key) => [key, get(key)]);
  return { entries, next: keys.length > limit ? keys[limit - 1] : undefined };
}

export { remove as delete };
