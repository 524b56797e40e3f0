/** The plugin's configuration, of the same catalog snapshot for a whole tree of calls. */

import * as bus from 'busbar:bus/config@0.1.0';

/** One member; `otherwise` if it is not set. */
export function get(key, otherwise) {
  const text = bus.get(key);
  return text === undefined ? otherwise : JSON.parse(text);
}

/** The whole object; empty if none was set. */
export function all() {
  return JSON.parse(bus.all());
}
