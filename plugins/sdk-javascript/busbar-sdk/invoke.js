/** Calls of other services. Each takes part in the caller's deadline, correlation id and versions, and needs a grant. */

import * as bus from 'busbar:bus/invoke@0.1.0';
import { Fail, InvalidInput, received, tried } from './fault.js';
import { Response, ofBus, parsed, toBus, toJson, whole } from './payload.js';

/**
 * Calls a typed service and waits for its output. Throws its fault, or one of the bus: `not-granted`.
 * @param {string} service
 * @param {any} [input]
 */
export function invoke(service, input = {}) {
  return outputOf(service, tried(() => bus.call(service, requestOf(input))));
}

/**
 * All at once; for each its output or its `Fault`, in the targets' order.
 * @param {{service: string, input?: any}[]} targets
 */
export function invokeAll(targets) {
  const calls = targets.map(({ service, input = {} }) => ({ service, request: requestOf(input) }));
  return bus.all(calls).map(({ tag, val }, at) => {
    if (tag === 'err') return received(val);
    try {
      return outputOf(targets[at].service, val);
    } catch (fault) {
      return fault;
    }
  });
}

/**
 * Calls any service with a `Request`; a body handle may be passed on.
 * @param {string} service
 * @param {import('./payload.js').Request} request
 */
export function invokeRaw(service, { payload, contentType }) {
  const response = tried(() => bus.call(service, { contentType, payload: toBus(payload) }));
  return new Response(ofBus(response.payload), { ...response, headers: Object.fromEntries(response.headers) });
}

/** The call begins once this one is committed, and survives any crash. The result is the delivery's id. */
export function invokeAsync(service, input = {}) {
  return tried(() => bus.start(service, requestOf(input)));
}

/** A typed service's input. */
export function requestOf(input) {
  return { contentType: 'application/json', payload: { tag: 'bytes', val: toJson(input) } };
}

function outputOf(service, { status, payload }) {
  if (status !== undefined && (status < 200 || status > 299)) {
    throw new Fail(`${service} answered with status ${status}`);
  }
  const bytes = whole(ofBus(payload));
  try {
    return bytes.length === 0 ? null : parsed(bytes);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new Fail(`the output of ${service} is not as expected: ${error.errors[0].message}`);
  }
}
