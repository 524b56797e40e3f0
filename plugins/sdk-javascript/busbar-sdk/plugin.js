/** A plugin: its services, and how the bus calls them. */

import { Fail, Fault } from './fault.js';
import * as log from './log.js';
import { Request, Response, ofBus, parsed, toBus, toJson, whole } from './payload.js';

/** Calls that one instance serves before the next begins with a fresh one: an interpreter takes long to begin. */
const CALLS_PER_INSTANCE = 128;
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** As `input` or `output`: the payload as it comes and goes, a `Request` and a `Response`. */
export const raw = Symbol('raw');

/** An output with a status and headers of its own: `return new Reply(order, { status: 201, headers: { location } })`. */
export class Reply {
  constructor(output, { status, headers = {} } = {}) {
    this.output = output;
    this.status = status;
    this.headers = headers;
  }
}

/**
 * A service. The bus checks input and output against their schemas, so `handle` gets what `input` says.
 *
 * @param {object} service
 * @param {(input: any) => any} service.handle Gets the input, gives the output, a `Reply` or a promise of one.
 * @param {object | symbol} [service.input] JSON Schema (2020-12), `raw`, or nothing if it takes nothing.
 * @param {object | symbol} [service.output] The same of what it gives.
 * @param {string} [service.summary] What it does, in a sentence.
 * @param {string | string[]} [service.rest] Channels that are proposed: `'GET,PUT /orders/{id}'`; without methods, any.
 * @param {string | string[]} [service.soap] The same for SOAP: `'/soap/orders'`.
 * @param {string | string[]} [service.invokes] Services that it calls, so that they can be granted.
 * @param {string | string[]} [service.secrets] Secrets that it reads, so that they can be granted.
 * @param {string} [service.name] Instead of `plugin.key`.
 * @param {number} [service.callsPerInstance] So many calls one instance serves; 1 is a fresh one for each.
 */
export function defineService(service) {
  const known = ['handle', 'input', 'output', 'summary', 'rest', 'soap', 'invokes', 'secrets', 'name', 'callsPerInstance'];
  const unknown = Object.keys(service).find((key) => !known.includes(key));
  if (unknown) throw new TypeError(`a service has no ${unknown}; allowed are ${known.join(', ')}`);
  if (typeof service.handle !== 'function') throw new TypeError('a service has a function handle(input)');
  for (const which of ['input', 'output']) schemaOf(service[which], which);
  const channels = [...list(service.rest).map(rest), ...list(service.soap).map(soap)];
  return { callsPerInstance: CALLS_PER_INSTANCE, ...service, channels };
}

/**
 * All that one component offers: `export const service = definePlugin({ name, version, services: { greet } })`.
 *
 * @param {{name: string, version: string, services: Record<string, object>}} plugin
 */
export function definePlugin({ name, version, services }) {
  const byName = new Map();
  for (const [key, service] of Object.entries(services)) {
    const full = service.name ?? `${name}.${key}`;
    if (byName.has(full)) throw new TypeError(`there are two services ${full}`);
    byName.set(full, service);
  }
  const needs = (which) => [...new Set([...byName.values()].flatMap((service) => list(service[which])))];
  return {
    describe: () => ({
      name,
      version,
      services: [...byName].map(describe),
      invokes: needs('invokes'),
      secrets: needs('secrets'),
    }),
    handle: (called, request) => handle(byName.get(called), called, request),
  };
}

function describe([name, { summary, input, output, channels, callsPerInstance }]) {
  return {
    name,
    summary,
    inputSchema: input === undefined ? schemaOf({ type: ['object', 'null'] }) : schemaOf(input),
    outputSchema: output === undefined ? schemaOf({ type: 'null' }) : schemaOf(output),
    channels,
    callsPerInstance,
  };
}

/** As text; undefined if it is raw. */
function schemaOf(schema, which) {
  if (schema === undefined || schema === raw) return undefined;
  if (typeof schema !== 'object' || schema === null) throw new TypeError(`${which} is a JSON Schema or raw`);
  return JSON.stringify({ $schema: DIALECT, ...schema });
}

/** Whatever is thrown here has a fault as its `payload`, which is what the bus gets. */
async function handle(service, name, request) {
  try {
    if (!service) throw new Fail(`the plugin has no service ${name}`);
    const { status, contentType, headers, payload } = await respond(service, name, request);
    return { status, contentType, headers: Object.entries(headers), payload: toBus(payload) };
  } catch (error) {
    const fault = error instanceof Fault ? error : unforeseen(error);
    throw Object.assign(new Error(fault.message), { payload: fault.toBus() });
  }
}

async function respond({ input, output, handle }, name, request) {
  let given;
  if (input === raw) {
    given = new Request(ofBus(request.payload), { contentType: request.contentType });
  } else if (input !== undefined) {
    const bytes = whole(ofBus(request.payload));
    given = bytes.length === 0 ? {} : parsed(bytes);
  }
  const result = await handle(given);
  if (output === raw) {
    if (!(result instanceof Response)) throw new TypeError(`${name} gave no Response`);
    return result;
  }
  const reply = result instanceof Reply ? result : new Reply(result);
  return new Response(toJson(reply.output), { contentType: 'application/json', ...reply });
}

/** The caller sees none of it: the log has it all. */
function unforeseen(error) {
  const stack = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error);
  log.error(stack);
  return new Fail(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

function list(given = []) {
  return typeof given === 'string' ? [given] : given;
}

function rest(text) {
  const [, methods = '', path] = /^(?:([A-Z-]+(?:, ?[A-Z-]+)*) )?(\/[^ ]*)$/.exec(text) ?? [];
  if (!path) throw new TypeError(`rest ${JSON.stringify(text)}: expected '/path/{parameter}' or 'GET,POST /path'`);
  return { protocol: 'rest', path, methods: methods.split(/[, ]+/).filter(Boolean) };
}

function soap(path) {
  if (!/^\/[^ {}]*$/.test(path)) {
    throw new TypeError(`soap ${JSON.stringify(path)}: expected '/path' without methods and parameters`);
  }
  return { protocol: 'soap', path, methods: [] };
}
