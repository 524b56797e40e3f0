/** Run by `make language-tests`. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { TestHost } from './busbar-sdk/testing/index.js';
import { service } from './service.js';

const ada = { name: 'Ada', street: '12 St James’s Square', postcode: 'SW1Y 4JH', city: 'London', country: 'GB' };
const call = (name, input, given) => new TestHost(service, given).call(`addresses.${name}`, input);

test('an address is printed as its country does', async () => {
  assert.deepEqual((await call('format', ada)).output.lines, ['Ada', '12 St James’s Square', 'LONDON', 'SW1Y 4JH']);
  const other = { ...ada, postcode: '1010', city: 'Wien', country: 'AT', note: 'c/o Bob' };
  assert.deepEqual((await call('format', other)).output.lines, ['Ada', 'c/o Bob', '12 St James’s Square', '1010 Wien']);
});

test('a postcode of another country is rejected', async () => {
  const { fault } = await call('save', { ...ada, country: 'DE' });
  assert.deepEqual([fault.code, fault.status, fault.errors[0].path], ['postcode-invalid', 422, '/postcode']);
  const config = { postcodes: { DE: '.*' } };
  assert.equal((await call('save', { ...ada, country: 'DE' }, { config })).status, 201);
});

test('an address is kept', async () => {
  const host = new TestHost(service);
  const { output, headers } = await host.call('addresses.save', ada);
  assert.equal(headers.location, `/addresses/${output.id}`);
  assert.deepEqual((await host.call('addresses.get', { id: output.id })).output, output);
  assert.equal((await host.call('addresses.get', { id: 'none' })).fault.status, 404);
});
