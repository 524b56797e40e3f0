/**
 * SQL databases of others, by a connection that the plugin is granted. A statement is in the database's own dialect, with
 * its own marks for parameters (`$1` in PostgreSQL, `?` in MariaDB, MySQL and SQLite); one at a time.
 *
 *     const item = sql.query('stock', 'select sku, price from items where sku = $1', [sku]).atMostOne();
 *     const count = sql.query('stock', 'select count(*) from items').value();
 *     sql.transaction('stock', (tx) => tx.execute('update items set in_stock = in_stock - 1 where sku = $1', [sku]));
 *     for (const row of sql.cursor('stock', 'select sku from items')) console.log(row.sku);
 *
 * Rows are objects by the names of the columns. Values: null, boolean, number; whole numbers above 2^53 are BigInts;
 * decimals, dates, times (`2026-11-30T14:05:09.25`, with `Z` where the column has a zone) and UUIDs are texts, bytes a
 * Uint8Array, JSON what `JSON.parse` makes of it.
 *
 * Parameters are the same; a `Date` is a timestamp, an object or array JSON. What a text or number would not say is said by
 * `sql.decimal('12.50')`, `sql.date('2026-11-30')`, `sql.time`, `sql.timestamp`, `sql.uuid`, `sql.json`.
 */

import * as bus from 'busbar:bus/sql@0.1.0';
import { Fail, tried } from './fault.js';
import { ofBus, toBus } from './value.js';

export { date, decimal, json, time, timestamp, uuid } from './value.js';

/** How many rows a cursor asks for at once. */
const BATCH_ROWS = 256;

/** Rows; `columns` has `name` and `kind`, what its values are (`any` where each row has its own). What is made of it by `map` is an array. */
export class Rows extends Array {
  static get [Symbol.species]() {
    return Array;
  }

  static received({ columns, rows }) {
    const made = new Rows();
    for (const values of rows) made.push(rowOf(columns, values));
    return Object.defineProperty(made, 'columns', { value: columns });
  }

  /** The only row. Throws a Fail if there is none or there are several. */
  one() {
    const row = this.atMostOne();
    if (!row) throw new Fail('one row was expected, there is none');
    return row;
  }

  /** The only row, or undefined. Throws a Fail if there are several. */
  atMostOne() {
    if (this.length > 1) throw new Fail(`at most one row was expected, there are ${this.length}`);
    return this[0];
  }

  /** The value of the only column of the only row. */
  value() {
    const row = this.one();
    if (this.columns.length !== 1) throw new Fail(`one column was expected, there are ${this.columns.length}`);
    return row[this.columns[0].name];
  }
}

/**
 * All rows, as many as the connection's limits allow.
 *
 * Throws faults with the code `not-granted`, `connection-unknown`, `connection-unusable`, `invoke-limit`, `unreachable`,
 * `connection-busy`, `login-refused`, `denied`, `read-only`, `invalid-statement`, `invalid-parameter`, `constraint`,
 * `conflict` (a deadlock, or a transaction that has to be tried again), `statement-timeout`, `too-many-rows`, `too-large`,
 * `unsupported-type` or `connection-lost` (it may have been done).
 */
export function query(connection, statement, parameters = []) {
  return Rows.received(tried(() => bus.query(connection, statement, parameters.map(toBus))));
}

/** How many rows it changed. */
export function execute(connection, statement, parameters = []) {
  return Number(tried(() => bus.execute(connection, statement, parameters.map(toBus))));
}

/**
 * Rows that are read in batches, from one connection that is this call's own until the loop over them ends: iterable, with
 * `columns`.
 */
export function cursor(connection, statement, parameters = [], { batch = BATCH_ROWS } = {}) {
  const inner = tried(() => bus.open(connection, statement, parameters.map(toBus)));
  const columns = inner.columns();
  return {
    columns,
    *[Symbol.iterator]() {
      try {
        for (let rows = batchOf(inner, batch); rows.length > 0; rows = batchOf(inner, batch)) {
          for (const values of rows) yield rowOf(columns, values);
        }
      } finally {
        inner[Symbol.dispose]?.();
      }
    },
  };
}

/**
 * Statements that take effect together: committed if `work` succeeds, or its promise does, else rolled back. Gives what
 * `work` gives, which has `query(statement, parameters)` and `execute(statement, parameters)`.
 *
 * This is past the call's unit of work: what is committed stays, whatever becomes of the call, and a call that is tried
 * again does it again.
 * @template T
 * @param {string} connection
 * @param {(tx: Transaction) => T} work
 * @param {{readOnly?: boolean, isolation?: 'read-committed' | 'repeatable-read' | 'serializable'}} [options] Without
 * `isolation` it is the database's default.
 * @returns {T}
 */
export function transaction(connection, work, { readOnly = false, isolation } = {}) {
  const inner = tried(() => bus.begin(connection, { readOnly, isolation }));
  const end = (call) => {
    try {
      return call();
    } finally {
      inner[Symbol.dispose]?.();
    }
  };
  const commit = (result) => {
    tried(() => end(() => inner.commit()));
    return result;
  };
  const rollback = (error) => {
    try {
      end(() => inner.rollback());
    } catch {
      // What the work says matters more; one that can't be rolled back ends with its connection.
    }
    throw error;
  };
  let result;
  try {
    result = work(new Transaction(inner));
  } catch (error) {
    rollback(error);
  }
  return typeof result?.then === 'function' ? result.then(commit, rollback) : commit(result);
}

class Transaction {
  #inner;

  constructor(inner) {
    this.#inner = inner;
  }

  query(statement, parameters = []) {
    return Rows.received(tried(() => this.#inner.query(statement, parameters.map(toBus))));
  }

  execute(statement, parameters = []) {
    return Number(tried(() => this.#inner.execute(statement, parameters.map(toBus))));
  }
}

function batchOf(inner, batch) {
  return tried(() => inner.next(batch));
}

function rowOf(columns, values) {
  return Object.fromEntries(columns.map(({ name }, at) => [name, ofBus(values[at])]));
}
