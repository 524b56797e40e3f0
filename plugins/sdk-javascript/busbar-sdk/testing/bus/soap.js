/** `busbar:bus/soap` */

import { Fault } from '../../fault.js';
import { whole } from '../../payload.js';
import { PartnerFault } from '../../soap.js';
import { answered, connectionUnknown, refusal, replied, state } from '../state.js';

export function call(connection, operation, text) {
  const answer = state().soap[connection];
  if (!answer) throw refusal({ tag: 'bus', val: connectionUnknown(connection).payload });
  const input = JSON.parse(text);
  state().sent.soap.push({ connection, operation, input });
  try {
    return JSON.stringify(answer(operation, input) ?? null);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw refusal(error instanceof PartnerFault ? told(error) : { tag: 'bus', val: error.toBus() });
  }
}

export function exchange(connection, action, contentType, envelope) {
  const reply = state().soapEnvelopes[connection];
  if (!reply) throw connectionUnknown(connection);
  const text = new TextDecoder().decode(whole(envelope.val));
  state().sent.envelopes.push({ connection, action, contentType, envelope: text });
  return replied(answered(() => reply(action, text)));
}

export function operations(connection) {
  if (!state().soap[connection]) throw connectionUnknown(connection);
  return [];
}

function told({ faultCode: code, reason: message, subcodes, role, detail, described }) {
  const json = described && [described[0], JSON.stringify(described[1])];
  return { tag: 'partner', val: { code, message, subcodes, role, detail, described: json } };
}
