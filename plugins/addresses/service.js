/** Checks postal addresses, prints them as their country does, and keeps a book of them. In JavaScript. */

import { config, definePlugin, defineService, kv, log, Reject, Reply } from './busbar-sdk/index.js';

/** What a postcode looks like, unless `postcodes` of the config says otherwise. */
const POSTCODES = { AT: '\\d{4}', DE: '\\d{5}', FR: '\\d{5}', GB: '[A-Z]{1,2}\\d[A-Z\\d]? ?\\d[A-Z]{2}', US: '\\d{5}(-\\d{4})?' };
const COUNTRIES = Object.keys(POSTCODES);

const text = (description) => ({ type: 'string', minLength: 1, maxLength: 100, description });

const address = {
  type: 'object',
  description: 'Where somebody is to be found.',
  properties: {
    name: text('To whom.'),
    street: text('With the number of the house.'),
    postcode: { type: 'string' },
    city: text(),
    country: { $ref: '#/$defs/Country' },
    note: { type: ['string', 'null'] },
  },
  required: ['name', 'street', 'postcode', 'city', 'country'],
  additionalProperties: false,
};
const $defs = { Address: address, Country: { type: 'string', enum: COUNTRIES } };

const entry = {
  title: 'Entry',
  type: 'object',
  properties: {
    id: { type: 'string' },
    address: { $ref: '#/$defs/Address' },
    label: { type: 'array', items: { type: 'string' }, description: 'The lines to print.' },
  },
  required: ['id', 'address', 'label'],
  $defs,
};

const format = defineService({
  summary: 'Checks an address and gives the lines to print.',
  rest: 'POST /addresses/format',
  soap: '/soap/addresses',
  input: { title: 'Format', ...address, $defs },
  output: {
    title: 'Label',
    type: 'object',
    properties: { lines: { type: 'array', items: { type: 'string' } } },
    required: ['lines'],
  },
  handle: (given) => ({ lines: label(checked(given)) }),
});

const save = defineService({
  summary: 'Puts an address into the book.',
  rest: 'POST /addresses',
  soap: '/soap/addresses',
  input: { title: 'Save', ...address, $defs },
  output: entry,
  handle(given) {
    const id = crypto.randomUUID();
    const kept = { id, address: given, label: label(checked(given)) };
    kv.putJson(`address/${id}`, kept, { expected: kv.ABSENT });
    log.info('keeps an address', { id, country: given.country });
    return new Reply(kept, { status: 201, headers: { location: `/addresses/${id}` } });
  },
});

const get = defineService({
  summary: 'Gives an address of the book.',
  rest: 'GET /addresses/{id}',
  soap: '/soap/addresses',
  input: { title: 'Get', type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  output: entry,
  handle({ id }) {
    const kept = kv.getJson(`address/${id}`);
    if (!kept) throw new Reject('address-unknown', 'there is no such address', { status: 404 });
    return kept.value;
  },
});

/** The address, if its postcode is one of its country. */
function checked(given) {
  const pattern = config.get('postcodes', {})[given.country] ?? POSTCODES[given.country];
  if (new RegExp(`^(?:${pattern})$`).test(given.postcode)) return given;
  const message = `${given.postcode} is no postcode of ${given.country}`;
  throw new Reject('postcode-invalid', 'the postcode is not one of the country', {
    status: 422,
    errors: [{ path: '/postcode', message }],
  });
}

function label({ name, street, postcode, city, country, note }) {
  const place = {
    GB: [city.toUpperCase(), postcode],
    US: [`${city} ${postcode}`],
  }[country] ?? [`${postcode} ${city}`];
  return [name, ...(note ? [note] : []), street, ...place];
}

export const service = definePlugin({ name: 'addresses', version: '0.1.0', services: { format, save, get } });
