/**
 * Values that administrators keep for the plugin. Each needs a grant: name them in `secrets` of the service.
 *
 * What was read is replaced by the secret's name in all that the plugin logs afterwards. That is a net for accidents: it
 * does not find a value that was encoded, cut or handed to another service.
 */

import * as bus from 'busbar:bus/secrets@0.1.0';
import { Fail, tried } from './fault.js';

/** Throws a Fail: `not-granted`, `secret-unknown`, `secret-unavailable`. */
export function get(name) {
  return tried(() => bus.get(name), ({ tag, val }) => {
    switch (tag) {
      case 'not-granted':
        return new Fail(`the plugin has no grant to read secret ${name}`, { code: 'not-granted' });
      case 'unknown':
        return new Fail(`secret ${name} does not exist`, { code: 'secret-unknown' });
      default:
        return new Fail(`secret ${name} can't be opened: ${val}`, { code: 'secret-unavailable' });
    }
  });
}
