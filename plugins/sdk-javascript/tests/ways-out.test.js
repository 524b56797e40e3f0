/** Systems of others, as services and their tests see them. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Fail, Reject, Response, RetryAfter, dictionaries, http, soap, sql } from '../busbar-sdk/index.js';
import { TestHost } from '../busbar-sdk/testing/index.js';
import { enter, leave } from '../busbar-sdk/testing/state.js';
import { ofBus, toBus } from '../busbar-sdk/value.js';

/** Runs as a call of a host, without a service. */
function calling(given, work) {
  const host = new TestHost(undefined, given);
  enter(host.state);
  const result = (() => {
    try {
      return work(host);
    } catch (error) {
      leave();
      throw error;
    }
  })();
  return typeof result?.then === 'function' ? result.finally(leave) : leave();
}

function codeOf(call) {
  try {
    call();
  } catch (fault) {
    return fault.code;
  }
  return undefined;
}

test('what nobody has set up is unknown', () => {
  calling({}, (host) => {
    for (const call of [
      () => http.get('none', '/'),
      () => soap.call('none', 'a'),
      () => soap.operations('none'),
      () => soap.exchange('none', 'a', 'text/xml', ''),
      () => sql.query('none', 'select 1'),
      () => sql.execute('none', 'select 1'),
      () => sql.cursor('none', 'select 1'),
      () => sql.transaction('none', () => {}),
    ]) {
      assert.equal(codeOf(call), 'connection-unknown', String(call));
    }
    assert.equal(codeOf(() => dictionaries.translate('none', 'a', 'b', 'c')), 'dictionary-unknown');
    assert.deepEqual(host.sent, { http: [], soap: [], envelopes: [], sql: [] });
  });
});

test('replies of any status are replies', () => {
  const prices = ({ path }) => {
    if (path === '/items/4711?unit=k%20g') return { cents: 450 };
    if (path === '/away') throw new RetryAfter(2, 'it is away', { code: 'circuit-open' });
    if (path === '/bytes') return new Response(new Uint8Array([255]), { headers: { 'X-Age': '3' } });
    return new Response(undefined, { status: 404 });
  };
  calling({ http: { prices } }, ({ sent }) => {
    const more = { query: { unit: 'k g' }, headers: { a: 'b' }, timeoutMs: 20 };
    const got = http.post('prices', '/items/4711', { sku: 'tea' }, more);
    assert.deepEqual([got.status, got.contentType, got.success().json()], [200, 'application/json', { cents: 450 }]);
    const missing = http.get('prices', '/none');
    assert.deepEqual([missing.status, missing.passedOn().status], [404, 404]);
    assert.throws(() => missing.success(), /status 404/);
    const bytes = http.get('prices', '/bytes');
    assert.deepEqual([bytes.header('x-age'), bytes.header('none'), bytes.bytes()], ['3', undefined, new Uint8Array([255])]);
    assert.deepEqual([codeOf(() => bytes.text()), codeOf(() => bytes.json())], ['bad-reply', 'bad-reply']);
    assert.equal(codeOf(() => http.delete('prices', '/away')), 'circuit-open');
    const [first] = sent.http;
    assert.deepEqual([first.method, first.body, first.headers], ['POST', '{"sku":"tea"}', { a: 'b' }]);
    assert.deepEqual([first.contentType, first.timeoutMs], ['application/json', 20]);
  });
});

test('operations are answered or refused by the other side', () => {
  const partner = (operation, input) => {
    if (operation === 'confirm') return { number: input.order };
    if (operation === 'later') throw new RetryAfter(1, 'busy', { code: 'connection-busy' });
    throw new soap.PartnerFault('Server', 'out of order', { described: ['Reason', { why: 7 }] });
  };
  const soapEnvelopes = { partner: (action, envelope) => new Response(envelope, { contentType: 'text/xml' }) };
  calling({ soap: { partner }, soapEnvelopes }, ({ sent }) => {
    assert.deepEqual(soap.call('partner', 'confirm', { order: 3 }), { number: 3 });
    assert.equal(codeOf(() => soap.call('partner', 'later')), 'connection-busy');
    assert.throws(
      () => soap.call('partner', 'fail'),
      (fault) => {
        assert.ok(fault instanceof soap.PartnerFault && fault instanceof Fail);
        assert.deepEqual([fault.code, fault.faultCode, fault.reason], ['partner-fault', 'Server', 'out of order']);
        assert.deepEqual(fault.described, ['Reason', { why: 7 }]);
        return true;
      },
    );
    assert.equal(soap.exchange('partner', 'urn:a', 'text/xml', '<e/>').text(), '<e/>');
    assert.deepEqual(sent.soap[0], { connection: 'partner', operation: 'confirm', input: { order: 3 } });
    assert.equal(sent.envelopes[0].action, 'urn:a');
  });
});

test('rows are objects', () => {
  const rows = [{ sku: 'tea', n: 4 }, { sku: 'jam', n: 5 }];
  const stock = [['select sku, n from items', rows], ['one', rows.slice(1)], ['count', [{ count: 2 }]], ['none', []]];
  calling({ sql: { stock } }, ({ sent }) => {
    const found = sql.query('stock', ' select sku, n\n from items ', [3]);
    assert.deepEqual([...found], rows);
    assert.deepEqual(found.map(({ n }) => n), [4, 5]);
    assert.ok(!(found.map(({ n }) => n) instanceof sql.Rows));
    assert.deepEqual(found.columns.map(({ name }) => name), ['sku', 'n']);
    assert.throws(() => found.one(), /there are 2/);
    const one = sql.query('stock', 'one');
    assert.deepEqual(one.one(), rows[1]);
    assert.throws(() => one.value(), /one column/);
    assert.equal(sql.query('stock', 'count').value(), 2);
    const none = sql.query('stock', 'none');
    assert.equal(none.atMostOne(), undefined);
    assert.throws(() => none.one(), /there is none/);
    assert.equal(codeOf(() => sql.query('stock', 'none')), 'invalid-statement');
    assert.deepEqual(sent.sql[0].parameters, [3]);
  });
  assert.equal(stock.length, 4, 'a script is used by one host only');
});

test('values come back as they went', () => {
  const large = 2n ** 62n;
  for (const value of [null, true, 3, 1.5, large, 'text', new Uint8Array([0, 255]), { a: [1, 2] }]) {
    assert.deepEqual(ofBus(toBus(value)), value);
  }
  for (const [value, tag, val] of [
    [2 ** 60, 'float', 2 ** 60],
    [2n ** 63n, 'decimal', '9223372036854775808'],
    [new Date(0), 'timestamp', '1970-01-01T00:00:00.000Z'],
    [sql.decimal('12.50'), 'decimal', '12.50'],
    [sql.date('2026-11-30'), 'date', '2026-11-30'],
    [sql.time('14:05'), 'time', '14:05'],
    [sql.timestamp('2026-11-30T14:05:09'), 'timestamp', '2026-11-30T14:05:09'],
    [sql.uuid('00000000-0000-0000-0000-000000000007'), 'uuid', '00000000-0000-0000-0000-000000000007'],
    [sql.json('text'), 'json', '"text"'],
  ]) {
    assert.deepEqual(toBus(value), { tag, val });
  }
  assert.deepEqual(toBus(undefined), { tag: 'null' });
  assert.equal(ofBus({ tag: 'integer', val: -7n }), -7);
  assert.throws(() => toBus(() => {}), /a parameter is no function/);
});

test('transactions end as their work does', async () => {
  const taken = new Reject('constraint', 'it is there already', { status: 409 });
  const stock = [['update', 1], ['update', 0], ['insert', taken], ['update', 3]];
  await calling({ sql: { stock } }, async ({ sent }) => {
    assert.equal(sql.transaction('stock', (tx) => tx.execute('update'), { isolation: 'serializable' }), 1);
    const twice = (tx) => [tx.execute('update'), tx.query('insert')];
    assert.equal(codeOf(() => sql.transaction('stock', twice)), 'constraint');
    assert.equal(await sql.transaction('stock', async (tx) => tx.execute('update')), 3);
    const failing = sql.transaction('stock', async () => {
      throw new Reject('asked-to', 'no');
    });
    await assert.rejects(failing, { code: 'asked-to' });
    assert.deepEqual(sent.sql.map(({ statement }) => statement), [
      ...['begin', 'update', 'commit'],
      ...['begin', 'update', 'insert', 'rollback'],
      ...['begin', 'update', 'commit'],
      ...['begin', 'rollback'],
    ]);
  });
});

test('cursors give row by row', () => {
  const rows = [{ n: 1 }, { n: 2 }, { n: 3 }];
  calling({ sql: { stock: [['select', rows]] } }, () => {
    const cursor = sql.cursor('stock', 'select', [], { batch: 2 });
    assert.equal(cursor.columns[0].name, 'n');
    assert.deepEqual([...cursor], rows);
  });
});

test('dictionaries translate by day', () => {
  const entries = [
    { erp: 'CS', shop: 'old' },
    { erp: 'CS', shop: 'new' },
    { erp: 'DE', bank: '276' },
    { erp: 'DE', shop: 'germany' },
  ];
  const countries = { entries, defaults: { shop: 'elsewhere' }, validOn: { 0: [undefined, '2020-12-31'] } };
  calling({ dictionaries: { countries, plain: entries } }, () => {
    assert.equal(dictionaries.translate('countries', 'CS', 'erp', 'shop'), 'new');
    assert.equal(dictionaries.translate('countries', 'CS', 'erp', 'shop', { on: new Date('2020-12-31') }), 'old');
    assert.equal(dictionaries.translate('countries', 'DE', 'erp', 'shop'), 'germany');
    assert.equal(dictionaries.translate('countries', 'XX', 'erp', 'shop'), 'elsewhere');
    assert.equal(dictionaries.translate('countries', 'XX', 'erp', 'bank'), undefined);
    assert.equal(dictionaries.entries('countries').length, 3);
    assert.deepEqual(dictionaries.entries('plain'), entries);
    assert.equal(codeOf(() => dictionaries.translate('plain', 'DE', 'erp', 'crm')), 'system-unknown');
    assert.equal(codeOf(() => dictionaries.entries('plain', { on: 'today' })), 'invalid-input');
  });
});
