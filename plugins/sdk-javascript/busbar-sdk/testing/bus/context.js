/** `busbar:bus/context` */

import { state } from '../state.js';

export const head = () => ({
  method: '',
  path: '',
  query: [],
  headers: Object.entries(state().headers),
  params: [],
});
export const correlationId = () => 'test';
export const caller = () => state().caller;
export const remainingMs = () => 30_000n;
export const idempotencyKey = () => state().idempotencyKey;
export const attempt = () => state().attempt;
