/**
 * Tables that translate one system's codes into another's, which the plugin is granted. As of the catalog snapshot that the
 * call is pinned to.
 *
 *     const country = dictionaries.translate('countries', 'DE', 'erp', 'shop');
 *     const then = dictionaries.translate('countries', 'DE', 'erp', 'shop', { on: '2020-01-31' });
 */

import * as bus from 'busbar:bus/dictionaries@0.1.0';
import { tried } from './fault.js';

/**
 * What `key` of the system `from` is in the system `to`, today in UTC or `on` a day, a `Date` or a text: of the first entry
 * in the table's order that is valid then, else the default of `to`, else undefined.
 *
 * Throws faults with the code `not-granted`, `dictionary-unknown`, `system-unknown` or `invalid-input`.
 */
export function translate(dictionary, key, from, to, { on } = {}) {
  return tried(() => bus.translate(dictionary, key, from, to, day(on)));
}

/** The entries that are valid on that day, each an object of systems and their codes. */
export function entries(dictionary, { on } = {}) {
  return tried(() => bus.entries(dictionary, day(on))).map((entry) => Object.fromEntries(entry));
}

function day(on) {
  return on instanceof Date ? on.toISOString().slice(0, 10) : on;
}
