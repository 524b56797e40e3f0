/**
 * Unit tests without a bus: `TestHost` gives what a service asks for and keeps what it did. Run them with
 * `node --import ./busbar-sdk/testing/register.js --test`.
 *
 *     const host = new TestHost(service, { services: { 'prices.lookup': () => ({ cents: 450 }) } });
 *     const { output } = await host.call('orders.submit', { customer: 'Ada' });
 *
 * Systems of others answer likewise, by the names of their connections:
 *
 *     const host = new TestHost(service, {
 *       http: { prices: (request) => ({ cents: 450 }) },
 *       soap: { partner: (operation, input) => ({ number: 7 }) },
 *       sql: { stock: [['select n from items where sku = $1', [{ n: 4 }]], ['update items set n = n - 1', 1]] },
 *       dictionaries: { countries: [{ erp: 'DE', shop: 'germany' }] },
 *     });
 *
 * A fault discards what the call kept and delivered, as the bus does. Limits, grants, expiry and the check against the
 * schema are not here: those are the bus's, and `busbar test` has them.
 */

import { received } from '../fault.js';
import { enter, leave } from './state.js';

export class TestHost {
  /**
   * @param {object} plugin What `definePlugin` gave.
   * @param {object} [given]
   * @param {Record<string, (input: any) => any>} [given.services] Answers of other services; they may throw a `Fault`.
   * @param {Record<string, any>} [given.kv] Values that the plugin keeps, as JSON has them.
   * @param {Record<string, any>} [given.config]
   * @param {Record<string, string>} [given.secrets]
   * @param {Record<string, string>} [given.headers]
   * @param {Record<string, (request: any) => any>} [given.http] Of `{connection, method, path, headers, body, contentType,
   * timeoutMs}` a `Response`, or anything else as its JSON; they may throw a `Fault` of the bus.
   * @param {Record<string, (operation: string, input: any) => any>} [given.soap] They may throw a `soap.PartnerFault`, or a
   * `Fault` of the bus.
   * @param {Record<string, (action: string, envelope: string) => any>} [given.soapEnvelopes] Replies to `soap.exchange`.
   * @param {Record<string, [string, any][]>} [given.sql] The answers to statements, whatever their white space, each given
   * once and in their order: rows as objects, how many rows it changed, or a `Fault`.
   * @param {Record<string, any>} [given.dictionaries] Entries as systems and their codes; or `{entries, defaults, validOn}`,
   * where `defaults` are a system's codes for what no entry has, and `validOn` the first and last day by an entry's place.
   */
  constructor(plugin, { kv = {}, sql = {}, ...given } = {}) {
    this.plugin = plugin;
    this.state = {
      services: {},
      config: {},
      secrets: {},
      headers: {},
      http: {},
      soap: {},
      soapEnvelopes: {},
      dictionaries: {},
      sql: Object.fromEntries(Object.entries(sql).map(([name, script]) => [name, [...script]])),
      sent: { http: [], soap: [], envelopes: [], sql: [] },
      kv: new Map(),
      version: 0n,
      cache: new Map(),
      deliveries: [],
      messages: [],
      published: [],
      logs: [],
      attempt: 1,
      ...given,
    };
    for (const [key, value] of Object.entries(kv)) {
      this.state.version += 1n;
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      this.state.kv.set(key, { value: bytes, version: this.state.version });
    }
  }

  /** Calls a service through its JSON, as the bus does: `{output, status, headers}` or `{fault, status}`. */
  async call(service, input = {}) {
    const val = new TextEncoder().encode(JSON.stringify(input));
    const { kv, deliveries, messages } = this.state;
    const before = { kv: new Map(kv), deliveries: [...deliveries], messages: [...messages] };
    enter(this.state);
    try {
      const request = { contentType: 'application/json', payload: { tag: 'bytes', val } };
      const { status, headers, contentType, payload } = await this.plugin.handle(service, request);
      const text = payload.tag === 'empty' ? '' : new TextDecoder().decode(payload.val);
      const output = contentType === 'application/json' ? JSON.parse(text) : text;
      return { output, status, headers: Object.fromEntries(headers) };
    } catch (error) {
      if (!error.payload) throw error;
      Object.assign(this.state, before);
      const fault = received(error.payload);
      return { fault, status: fault.status };
    } finally {
      leave();
    }
  }

  /** A value that is kept; undefined if there is none. */
  json(key) {
    const entry = this.state.kv.get(key);
    return entry && JSON.parse(new TextDecoder().decode(entry.value));
  }

  /** What was handed over, asynchronous calls too: `{service, input, options}`. */
  get deliveries() {
    return this.state.deliveries;
  }

  /** What was handed over to brokers: `{connection, exchange, routingKey, body, headers, …}`, the body as a text. */
  get messages() {
    return this.state.messages;
  }

  /** The same of what was published; a fault leaves it there. */
  get published() {
    return this.state.published;
  }

  /**
   * What was sent to systems of others, in the order of sending; a fault leaves it there. `http` has requests, `soap`
   * `{connection, operation, input}`, `envelopes` `{connection, action, contentType, envelope}`, `sql` `{connection,
   * statement, parameters}`, also `begin`, `commit` and `rollback` of transactions.
   */
  get sent() {
    return this.state.sent;
  }

  /** `{level, message, fields}` */
  get logs() {
    return this.state.logs;
  }
}
