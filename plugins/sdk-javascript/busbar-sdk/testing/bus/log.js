/** `busbar:bus/log` */

import { isCalled, state } from '../state.js';

export function write(level, message, fields) {
  if (isCalled()) state().logs.push({ level, message, fields: Object.fromEntries(fields) });
}
