/**
 * Operations of SOAP services of others, by a connection that the plugin is granted and that has their WSDL. Input and
 * output are JSON, as the operation's schemas say.
 *
 *     try {
 *       const { number } = soap.call('partner', 'confirm', { order: 4711 });
 *     } catch (fault) {
 *       if (!(fault instanceof soap.PartnerFault) || fault.faultCode !== 'OrderUnknown') throw fault;
 *     }
 */

import * as bus from 'busbar:bus/soap@0.1.0';
import { Fail, received, tried } from './fault.js';
import { Response, decoded } from './http.js';
import { toBus } from './payload.js';

/**
 * A fault that the other side answered with. To callers of the service it is a `Fail` with the code `partner-fault`.
 *
 * `faultCode` is without its prefix: `Client`, `Server` (SOAP 1.1), `Sender`, `Receiver` (1.2), or the service's own;
 * `subcodes` are those of SOAP 1.2, from the outside in; `detail` is what is in its detail, as XML, and `described` the same
 * as JSON behind the name of the element, `[name, value]`, where the WSDL describes it.
 */
export class PartnerFault extends Fail {
  constructor(faultCode, reason, { subcodes = [], role, detail, described } = {}) {
    super(`the other side answered with the fault ${faultCode}: ${reason}`, { code: 'partner-fault' });
    Object.assign(this, { faultCode, reason, subcodes, role, detail, described });
  }
}

/**
 * Calls an operation and waits for its output, null if there is none.
 *
 * Throws `PartnerFault`, and the bus's own faults: those of `http.send`; `operation-unknown` and `invalid-input`, of which
 * nothing was sent; `bad-reply` also for a reply that is not what the WSDL says.
 */
export function call(connection, operation, input = null) {
  const output = tried(() => bus.call(connection, operation, JSON.stringify(input)), refusal);
  return decoded(new TextEncoder().encode(output), `the output of ${operation}`);
}

/**
 * An envelope as it is, a text, a Uint8Array or a body handle, and its reply as it came, as of `http`. `action` is its
 * SOAPAction, or that of SOAP 1.2's content type.
 */
export function exchange(connection, action, contentType, envelope) {
  return new Response(tried(() => bus.exchange(connection, action, contentType, toBus(envelope))));
}

/** What the connection's WSDL has: `{name, inputSchema, outputSchema}`; without a schema it takes, or answers, nothing. */
export function operations(connection) {
  return tried(() => bus.operations(connection)).map(({ name, inputSchema, outputSchema }) => ({
    name,
    inputSchema: inputSchema && JSON.parse(inputSchema),
    outputSchema: outputSchema && JSON.parse(outputSchema),
  }));
}

function refusal({ tag, val }) {
  if (tag === 'bus') return received(val);
  const { code, message, described, ...more } = val;
  return new PartnerFault(code, message, { ...more, described: described && [described[0], JSON.parse(described[1])] });
}
