/** `busbar:bus/sql`: answers that were written down beforehand. */

import { Fault, Fail } from '../../fault.js';
import { ofBus, toBus } from '../../value.js';
import { connectionUnknown, refusal, state } from '../state.js';

const spaced = (statement) => statement.trim().replace(/\s+/g, ' ');

/** The next answer for a statement; each is given once. */
function take(connection, statement, parameters) {
  const script = known(connection);
  state().sent.sql.push({ connection, statement, parameters: parameters.map(ofBus) });
  const at = script.findIndex(([given]) => spaced(given) === spaced(statement));
  if (at < 0) {
    const text = `the database's script has no answer left for ${JSON.stringify(statement)}`;
    throw refusal(new Fail(text, { code: 'invalid-statement' }).toBus());
  }
  const [[, answer]] = script.splice(at, 1);
  if (answer instanceof Fault) throw refusal(answer.toBus());
  return answer;
}

function known(connection) {
  const script = state().sql[connection];
  if (!script) throw connectionUnknown(connection);
  return script;
}

export function query(connection, statement, parameters) {
  const answer = take(connection, statement, parameters);
  const rows = Array.isArray(answer) ? answer : [];
  const names = Object.keys(rows[0] ?? {});
  return {
    columns: names.map((name) => ({ name, kind: '' })),
    rows: rows.map((row) => names.map((name) => toBus(row[name]))),
  };
}

export function execute(connection, statement, parameters) {
  const answer = take(connection, statement, parameters);
  return BigInt(Array.isArray(answer) ? answer.length : answer);
}

export function open(connection, statement, parameters) {
  const { columns, rows } = query(connection, statement, parameters);
  return { columns: () => columns, next: (max) => rows.splice(0, max) };
}

/** Recorded; a rollback takes nothing back. */
export function begin(connection) {
  known(connection);
  const mark = (statement) => void state().sent.sql.push({ connection, statement, parameters: [] });
  mark('begin');
  return {
    query: (statement, parameters) => query(connection, statement, parameters),
    execute: (statement, parameters) => execute(connection, statement, parameters),
    commit: () => mark('commit'),
    rollback: () => mark('rollback'),
  };
}
