/** `busbar:bus/http` */

import { whole } from '../../payload.js';
import { answered, connectionUnknown, replied, state } from '../state.js';

export function send(connection, { method, path, headers, contentType, payload, timeoutMs }) {
  const reply = state().http[connection];
  if (!reply) throw connectionUnknown(connection);
  const body = new TextDecoder().decode(whole(payload.val));
  const set = Object.entries({ contentType, timeoutMs: timeoutMs && Number(timeoutMs) });
  const given = Object.fromEntries(set.filter(([, value]) => value !== undefined));
  const request = { connection, method, path, headers: Object.fromEntries(headers), body, ...given };
  state().sent.http.push(request);
  return replied(answered(() => reply(request)));
}
