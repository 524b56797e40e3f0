/** What the interfaces of the test host work on. */

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
