/**
 * Guaranteed delivery. What is handed over belongs to the call's unit of work: it is on its way if, and only if, the call's
 * effects are committed. The target may get it more than once, under one `context.idempotencyKey()`.
 */

import * as bus from 'busbar:bus/deliver@0.1.0';
import { tried } from './fault.js';
import { requestOf } from './invoke.js';

const big = (number) => (number === undefined ? undefined : BigInt(number));

/**
 * To a service, as its input. The result is the delivery's id.
 *
 * @param {string} service
 * @param {any} input
 * @param {object} [options] What is not given is the bus's own choice.
 * @param {number} [options.attempts] Until it is given up.
 * @param {number} [options.backoffMs] Pause after the first failed attempt; doubled with each further one, with jitter.
 * @param {number} [options.backoffMaxMs]
 * @param {number} [options.expiresMs] Nothing is attempted after this time.
 * @param {number} [options.delayMs] Nothing is attempted before this time.
 * @param {string} [options.orderKey] Deliveries to one target with the same key are attempted one after the other.
 */
export function send(service, input, options = {}) {
  return tried(() => bus.send(service, requestOf(input), optionsOf(options)));
}

/** As the contract has them. */
export function optionsOf({ attempts, backoffMs, backoffMaxMs, expiresMs, delayMs, orderKey }) {
  return {
    attempts,
    backoffMs: big(backoffMs),
    backoffMaxMs: big(backoffMaxMs),
    expiresMs: big(expiresMs),
    delayMs: big(delayMs),
    orderKey,
  };
}
