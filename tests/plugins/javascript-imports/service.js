/** Uses all that the bus offers, from JavaScript, and fails in all ways. */

import {
  amqp,
  cache,
  config,
  context,
  definePlugin,
  defineService,
  deliver,
  dictionaries,
  http,
  invoke,
  invokeAll,
  invokeAsync,
  invokeRaw,
  kv,
  log,
  raw,
  Reject,
  Request,
  Response,
  RetryAfter,
  secrets,
  soap,
  sql,
} from './busbar-sdk/index.js';

const SELF = 'javascript-imports.use';

/** How many calls this instance has served. */
let served = 0;

const uses = {
  invoke(value) {
    const nested = invoke(SELF, { what: 'add', value });
    const outcomes = invokeAll([
      { service: SELF, input: { what: 'add', value: 1 } },
      { service: SELF, input: { what: 'reject' } },
    ]);
    const echoed = invokeRaw('echo', new Request('hello', { contentType: 'text/plain' }));
    const shown = outcomes.map(({ result, code, status }) => (code ? [code, status] : result));
    return [nested.result, ...shown, echoed.json().body];
  },
  add: (value) => value + 1,
  reject() {
    throw new Reject('no-such', 'there is none', { status: 404, errors: [{ path: '/value', message: 'is none' }] });
  },
  later() {
    throw new RetryAfter(7, 'come again');
  },
  uncaught() {
    throw new RangeError('the inside story');
  },
  recursion: (value) => uses.recursion(value) + 1,
  memory: (value) => Array.from({ length: value }, () => new Uint8Array(1024 * 1024)).length,
  spin() {
    for (;;);
  },
  kv(value) {
    kv.putJson('a/1', { value }, { expected: kv.ABSENT, ttlMs: 60_000 });
    kv.put('a/2', new Uint8Array([0, 255]));
    kv.remove('a/2');
    kv.increment('n', 40);
    const total = kv.increment('n', 2);
    kv.putJson('a/1', { value: [value] }, { expected: kv.get('a/1').version });
    const { entries, next } = kv.list('a/', { limit: 10 });
    return [kv.getJson('a/1').value, total, entries.map(([key]) => key), next ?? null, kv.get('none') ?? null];
  },
  conflict() {
    kv.put('c', new Uint8Array([1]), { expected: 12345n });
  },
  number() {
    kv.put('t', new TextEncoder().encode('text'));
    return kv.increment('t');
  },
  limit() {
    kv.put('l', new Uint8Array(2 * 1024 * 1024));
  },
  cache(value) {
    cache.putJson('key', value, { ttlMs: 60_000 });
    const found = cache.getJson('key');
    cache.remove('key');
    return [found, cache.get('key') ?? null];
  },
  config: () => [config.get('colour') ?? null, config.get('none', 5), config.all()],
  secrets() {
    const key = secrets.get('pay-key');
    log.info(`the key is ${key}`);
    return key.length;
  },
  broker(value) {
    const message = { routingKey: 'orders', body: { value }, headers: { a: 'b' }, priority: 3, expirationMs: 1000 };
    return [amqp.publish, amqp.handOver].map((send) => {
      try {
        return send('nowhere', message);
      } catch (fault) {
        return fault.code;
      }
    });
  },
  /** Nobody has made the connections, and no dictionary. */
  ways_out: () =>
    [
      () => http.post('nowhere', '/orders', { sku: 'tea' }),
      () => soap.call('nowhere', 'confirm', { order: 1 }),
      () => soap.exchange('nowhere', 'urn:confirm', 'text/xml', '<envelope/>'),
      () => soap.operations('nowhere'),
      () => sql.query('nowhere', 'select $1, $2', [sql.decimal('1.50'), sql.date('2026-11-30')]),
      () => sql.execute('nowhere', 'delete from t'),
      () => sql.cursor('nowhere', 'select 1'),
      () => sql.transaction('nowhere', () => {}),
      () => dictionaries.translate('nowhere', 'DE', 'erp', 'shop'),
      () => dictionaries.entries('nowhere'),
    ].map((call) => {
      try {
        return call();
      } catch (fault) {
        return fault.code;
      }
    }),
  deliver() {
    const input = { what: 'add', value: 1 };
    const first = deliver.send(SELF, input, { attempts: 1, orderKey: 'a', delayMs: 600_000 });
    return [first, invokeAsync(SELF, input)];
  },
  context: () => ({
    method: context.head().method,
    header: context.header('x-colour') ?? null,
    correlation: context.correlationId(),
    remaining: context.remainingMs() > 0 && context.remainingMs() <= 30_000,
    attempt: context.attempt(),
    key: context.idempotencyKey() ?? null,
    caller: context.caller() ?? null,
  }),
  log(value) {
    log.warn('from the log', { colour: value });
    console.log('from print', value);
    return null;
  },
  chance: () => [Math.random(), Date.now() / 1000],
  served: () => served,
};

const use = defineService({
  invokes: ['echo', SELF],
  secrets: 'pay-key',
  input: { type: 'object', properties: { what: { type: 'string' }, value: {} }, required: ['what'] },
  output: { type: 'object', properties: { result: {} }, required: ['result'] },
  async handle({ what, value }) {
    served += 1;
    await Promise.resolve();
    return { result: uses[what](value) ?? null };
  },
});

const passed = defineService({
  rest: 'POST /javascript-imports/pass',
  input: raw,
  output: raw,
  handle({ payload, contentType }) {
    const headers = { 'x-kind': payload?.constructor.name ?? 'none' };
    return new Response(payload, { contentType, status: 202, headers });
  },
});

const count = defineService({
  rest: 'POST /javascript-imports/count',
  input: raw,
  output: raw,
  handle: (request) => new Response(String(request.bytes().length), { contentType: 'text/plain' }),
});

export const service = definePlugin({ name: 'javascript-imports', version: '0.1.0', services: { use, passed, count } });
