/** Services as the bus calls them. */

import assert from 'node:assert/strict';
import test from 'node:test';

import {
  Fail,
  InvalidInput,
  Reject,
  Reply,
  Response,
  RetryAfter,
  amqp,
  config,
  definePlugin,
  defineService,
  deliver,
  invoke,
  invokeAll,
  kv,
  log,
  raw,
  secrets,
} from '../busbar-sdk/index.js';
import { TestHost } from '../busbar-sdk/testing/index.js';

const order = {
  title: 'Order',
  type: 'object',
  properties: { sku: { type: 'string' }, quantity: { type: 'integer' } },
  required: ['sku'],
};

const submit = defineService({
  summary: 'Takes an order.',
  rest: ['POST /orders', 'GET, PUT /orders/{sku}', '/any'],
  soap: '/soap/shop',
  invokes: ['prices.lookup', 'mail.send'],
  secrets: 'key',
  input: order,
  output: { type: 'object', properties: { total: { type: 'integer' } }, required: ['total'] },
  handle({ sku, quantity = 1 }) {
    const { cents } = invoke('prices.lookup', { sku });
    kv.putJson('order/1', { sku, quantity }, { expected: kv.ABSENT });
    deliver.send('mail.send', { sku }, { orderKey: 'a' });
    const message = { exchange: 'shop', routingKey: 'new', body: { sku }, headers: { a: 'b' }, priority: 3 };
    amqp.handOver('broker', message);
    amqp.publish('broker', { routingKey: 'audit', body: sku });
    log.info('took an order', { sku });
    if (quantity > config.get('most', 100)) {
      throw new Reject('too-many', 'that is too many', { status: 422, errors: [{ path: '/quantity', message: 'is too large' }] });
    }
    return new Reply({ total: cents * quantity }, { status: 201, headers: { location: '/orders/1' } });
  },
});

const several = defineService({
  input: { type: 'array', items: { type: 'string' } },
  output: { type: 'array', items: { type: 'string' } },
  async handle(skus) {
    const outcomes = invokeAll(skus.map((sku) => ({ service: 'prices.lookup', input: { sku } })));
    return outcomes.map((outcome) => String(outcome.cents ?? outcome.code));
  },
});

const broken = defineService({
  input: order,
  output: { type: 'string' },
  async handle({ sku }) {
    if (sku === 'text') throw 'a text';
    if (sku === 'secret') secrets.get('key');
    if (sku === 'bigint') return 1n;
    throw new RangeError('the inside story');
  },
});

const reversed = defineService({
  name: 'shop.other',
  callsPerInstance: 1,
  input: raw,
  output: raw,
  handle: (request) => new Response(request.bytes().reverse(), { contentType: 'text/plain' }),
});

const nothing = defineService({ handle() {} });
const service = definePlugin({ name: 'shop', version: '1.2.3', services: { submit, several, broken, reversed, nothing } });

const services = {
  'prices.lookup': ({ sku }) => {
    if (sku === '?') throw new Reject('sku-unknown', 'unknown', { status: 404, errors: [{ path: '/sku', message: 'unknown' }] });
    if (sku === '!') throw new RetryAfter(7, 'later');
    return { cents: 450 };
  },
};
const host = (given = {}) => new TestHost(service, { services, ...given });

test('all is told', () => {
  const told = service.describe();
  assert.deepEqual([told.name, told.version, told.secrets], ['shop', '1.2.3', ['key']]);
  assert.deepEqual(told.invokes, ['prices.lookup', 'mail.send']);
  const [first, , , other, last] = told.services;
  assert.deepEqual([first.name, first.summary, first.callsPerInstance], ['shop.submit', 'Takes an order.', 128]);
  assert.deepEqual(first.channels, [
    { protocol: 'rest', path: '/orders', methods: ['POST'] },
    { protocol: 'rest', path: '/orders/{sku}', methods: ['GET', 'PUT'] },
    { protocol: 'rest', path: '/any', methods: [] },
    { protocol: 'soap', path: '/soap/shop', methods: [] },
  ]);
  assert.deepEqual(JSON.parse(first.inputSchema), { $schema: 'https://json-schema.org/draft/2020-12/schema', ...order });
  assert.deepEqual([other.name, other.callsPerInstance, other.inputSchema], ['shop.other', 1, undefined]);
  assert.deepEqual(JSON.parse(last.inputSchema).type, ['object', 'null']);
  assert.equal(JSON.parse(last.outputSchema).type, 'null');
});

test('nonsense is refused', () => {
  const handle = () => {};
  for (const wrong of [
    { rest: 'orders', handle },
    { rest: 'get /orders', handle },
    { soap: 'POST /soap', handle },
    { soap: '/soap/{id}', handle },
    { input: 'text', handle },
    { output: null, handle },
    { inputs: order, handle },
    {},
  ]) {
    assert.throws(() => defineService(wrong), TypeError, JSON.stringify(wrong));
  }
  const twice = { reversed, again: reversed };
  assert.throws(() => definePlugin({ name: 'shop', version: '1', services: twice }), /two services shop.other/);
});

test('an order is kept and confirmed', async () => {
  const bus = host();
  const { output, status, headers } = await bus.call('shop.submit', { sku: 'tea', quantity: 2 });
  assert.deepEqual([output, status, headers], [{ total: 900 }, 201, { location: '/orders/1' }]);
  assert.deepEqual(bus.json('order/1'), { sku: 'tea', quantity: 2 });
  assert.deepEqual(bus.deliveries, [{ service: 'mail.send', input: { sku: 'tea' }, options: { orderKey: 'a' } }]);
  const json = { contentType: 'application/json', headers: { a: 'b' }, priority: 3, body: '{"sku":"tea"}' };
  assert.deepEqual(bus.messages, [{ connection: 'broker', exchange: 'shop', routingKey: 'new', ...json }]);
  const text = { contentType: 'text/plain; charset=utf-8', headers: {}, body: 'tea' };
  assert.deepEqual(bus.published, [{ connection: 'broker', exchange: '', routingKey: 'audit', ...text }]);
  assert.deepEqual(bus.logs, [{ level: 'info', message: 'took an order', fields: { sku: 'tea' } }]);
  const again = await bus.call('shop.submit', { sku: 'tea' });
  assert.deepEqual([again.fault.code, again.status], ['conflict', 409]);
});

test('a fault discards the effects', async () => {
  const bus = host({ config: { most: 1 } });
  const { fault } = await bus.call('shop.submit', { sku: 'tea', quantity: 2 });
  assert.deepEqual([fault.code, fault.status, fault.errors[0].path], ['too-many', 422, '/quantity']);
  assert.deepEqual([bus.json('order/1'), bus.deliveries, bus.messages], [undefined, [], []]);
  assert.equal(bus.published.length, 1, 'what is published stays so');
});

test('faults of others are passed on', async () => {
  assert.equal((await host().call('shop.submit', { sku: '?' })).fault.code, 'sku-unknown');
  const { fault } = await host().call('shop.submit', { sku: '!' });
  assert.ok(fault instanceof RetryAfter);
  assert.deepEqual(fault.toBus().disposition, { tag: 'retry-after', val: 7 });
  assert.deepEqual((await host().call('shop.several', ['a', '?', '!'])).output, ['450', 'sku-unknown', 'unavailable']);
});

test('whatever is thrown is a fail, and the log has the stack', async () => {
  for (const [sku, kind] of [['x', 'RangeError: the inside story'], ['text', 'a text'], ['bigint', 'TypeError']]) {
    const bus = host();
    const { fault } = await bus.call('shop.broken', { sku });
    assert.ok(fault instanceof Fail, sku);
    assert.equal(bus.logs[0].level, 'error');
    assert.ok(bus.logs[0].message.includes(kind), bus.logs[0].message);
  }
  assert.equal((await host().call('shop.broken', { sku: 'secret' })).fault.code, 'not-granted');
});

test('a raw service gets the body', async () => {
  assert.equal((await host().call('shop.other', { a: 1 })).output, '}1:"a"{');
  assert.equal((await host().call('shop.nothing')).output, null);
});

test('what is no JSON is bad input', async () => {
  const payload = { tag: 'bytes', val: new TextEncoder().encode('{"sku":') };
  const refused = await service.handle('shop.submit', { payload }).catch((error) => error);
  assert.equal(refused.payload.code, 'invalid-input');
  assert.equal(refused.payload.errors[0].path, '');
  assert.ok(new InvalidInput([{ path: '/a', message: 'b' }]) instanceof Reject);
});
