/** What the interfaces of the test host work on. */

import { Fault } from '../fault.js';
import { Response, toBus, toJson } from '../payload.js';

let current;

/** Of the call that is under way. */
export function state() {
  if (!current) throw new Error('there is no bus here: use a TestHost');
  return current;
}

/** Whether a call is under way. */
export function isCalled() {
  return current !== undefined;
}

export function enter(next) {
  current = next;
}

export function leave() {
  current = undefined;
}

/** What the bus's refusals look like. */
export function refusal(payload) {
  return Object.assign(new Error('refused'), { payload });
}

/** A fault of the bus as the contract has it. */
export function rejected(code, message, status) {
  return { disposition: { tag: 'reject' }, status, code, message, errors: [] };
}

/** As the bus says it of a name that nobody has set up. */
export function connectionUnknown(connection) {
  return refusal(rejected('connection-unknown', `no test host answers for the connection ${connection}`, 404));
}

/** What a double gives; a fault that it throws is the bus's refusal. */
export function answered(answer) {
  try {
    return answer();
  } catch (error) {
    throw error instanceof Fault ? refusal(error.toBus()) : error;
  }
}

/** A reply as the contract has it: of a `Response`, or of anything else as JSON. */
export function replied(reply) {
  const { status, contentType, headers, payload } =
    reply instanceof Response ? reply : new Response(toJson(reply), { contentType: 'application/json' });
  return { status, contentType, headers: Object.entries(headers), payload: toBus(payload) };
}
