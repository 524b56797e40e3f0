/** `busbar:bus/deliver` */

import { state } from '../state.js';

export function send(service, request, options) {
  const input = JSON.parse(new TextDecoder().decode(request.payload.val));
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  state().deliveries.push({ service, input, options: Object.fromEntries(given) });
  return `delivery-${state().deliveries.length}`;
}
