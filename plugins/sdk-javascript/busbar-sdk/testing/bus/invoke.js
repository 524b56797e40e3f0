/** `busbar:bus/invoke` */

import { Fault } from '../../fault.js';
import { refusal, state } from '../state.js';
import { send } from './deliver.js';

export function call(service, request) {
  const answer = state().services[service];
  if (!answer) {
    const message = `no test host answers for ${service}`;
    throw refusal({ disposition: { tag: 'fail' }, code: 'not-granted', message, errors: [] });
  }
  try {
    const output = answer(JSON.parse(new TextDecoder().decode(request.payload.val)));
    const val = new TextEncoder().encode(JSON.stringify(output));
    return { contentType: 'application/json', headers: [], payload: { tag: 'bytes', val } };
  } catch (error) {
    throw error instanceof Fault ? refusal(error.toBus()) : error;
  }
}

export function all(targets) {
  return targets.map(({ service, request }) => {
    try {
      return { tag: 'ok', val: call(service, request) };
    } catch (error) {
      if (!error.payload) throw error;
      return { tag: 'err', val: error.payload };
    }
  });
}

export function start(service, request) {
  return send(service, request);
}
