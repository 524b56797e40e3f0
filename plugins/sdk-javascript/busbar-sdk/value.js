/** Values of databases, from the contract's form to JavaScript's and back. */

const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

/** A text that is more than a text. */
class Typed {
  constructor(tag, val) {
    this.tag = tag;
    this.val = String(val);
  }
}

export const decimal = (text) => new Typed('decimal', text);
export const date = (text) => new Typed('date', text);
export const time = (text) => new Typed('time', text);
export const timestamp = (text) => new Typed('timestamp', text);
export const uuid = (text) => new Typed('uuid', text);
export const json = (value) => new Typed('json', JSON.stringify(value));

/** To the contract's form. Throws a TypeError for what no database has. */
export function toBus(value) {
  if (value === null || value === undefined) return { tag: 'null' };
  if (value instanceof Typed) return { tag: value.tag, val: value.val };
  if (value instanceof Date) return { tag: 'timestamp', val: value.toISOString() };
  if (ArrayBuffer.isView(value)) return { tag: 'bytes', val: value };
  switch (typeof value) {
    case 'boolean':
      return { tag: 'boolean', val: value };
    case 'string':
      return { tag: 'text', val: value };
    case 'number':
      return Number.isSafeInteger(value) ? { tag: 'integer', val: BigInt(value) } : { tag: 'float', val: value };
    case 'bigint':
      return value < SMALLEST || value > LARGEST ? { tag: 'decimal', val: `${value}` } : { tag: 'integer', val: value };
    case 'object':
      return { tag: 'json', val: JSON.stringify(value) };
    default:
      throw new TypeError(`a parameter is no ${typeof value}`);
  }
}

/** To JavaScript's. */
export function ofBus({ tag, val }) {
  switch (tag) {
    case 'null':
      return null;
    case 'integer':
      return Number.isSafeInteger(Number(val)) ? Number(val) : val;
    case 'json':
      return JSON.parse(val);
    default:
      return val;
  }
}
