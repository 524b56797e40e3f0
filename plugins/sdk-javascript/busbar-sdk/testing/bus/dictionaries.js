/** `busbar:bus/dictionaries` */

import { refusal, rejected, state } from '../state.js';

function dictionary(name) {
  const given = state().dictionaries[name];
  if (!given) throw refusal(rejected('dictionary-unknown', `no test host has the dictionary ${name}`, 404));
  return Array.isArray(given) ? { entries: given } : given;
}

function valid({ entries, validOn = {} }, on) {
  if (on !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(on)) {
    throw refusal(rejected('invalid-input', `${on} is no date; expected one like 2026-11-30`));
  }
  const day = on ?? new Date().toISOString().slice(0, 10);
  return entries.filter((_, at) => {
    const [first, last] = validOn[at] ?? [];
    return (first ?? day) <= day && day <= (last ?? day);
  });
}

export function translate(name, key, from, to, on) {
  const given = dictionary(name);
  const { defaults = {} } = given;
  for (const system of [from, to]) {
    const isKnown = Object.hasOwn(defaults, system) || given.entries.some((entry) => Object.hasOwn(entry, system));
    if (!isKnown) throw refusal(rejected('system-unknown', `the dictionary has no system ${system}`, 404));
  }
  return valid(given, on).find((entry) => entry[from] === key && Object.hasOwn(entry, to))?.[to] ?? defaults[to];
}

export function entries(name, on) {
  return valid(dictionary(name), on).map((entry) => Object.entries(entry));
}
