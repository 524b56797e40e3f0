/** What surrounds the call that is being handled. Each function asks the bus: keep the answer if it is needed twice. */

import * as bus from 'busbar:bus/context@0.1.0';

/** The protocol's own view of the request: `method`, `path`, and `query`, `headers`, `params` as lists of pairs. */
export function head() {
  return bus.head();
}

/** The first header of that name, in lower case; undefined if there is none. */
export function header(name) {
  return bus.head().headers.find(([known]) => known === name)?.[1];
}

export function correlationId() {
  return bus.correlationId();
}

/** The name of the security definition that let the caller in; undefined if none did. */
export function caller() {
  return bus.caller();
}

/** Until the call is stopped. */
export function remainingMs() {
  return Number(bus.remainingMs());
}

/** The same for every attempt at the same thing. Hand it on where an effect outside must not be repeated. */
export function idempotencyKey() {
  return bus.idempotencyKey();
}

/** 1 for the first attempt of a delivery and for every other call. */
export function attempt() {
  return bus.attempt();
}
