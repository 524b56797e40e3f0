/** `busbar:bus/secrets` */

import { refusal, state } from '../state.js';

export function get(name) {
  if (!Object.hasOwn(state().secrets, name)) throw refusal({ tag: 'not-granted' });
  return state().secrets[name];
}
