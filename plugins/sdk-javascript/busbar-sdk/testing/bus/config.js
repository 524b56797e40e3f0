/** `busbar:bus/config` */

import { state } from '../state.js';

export const get = (key) => (Object.hasOwn(state().config, key) ? JSON.stringify(state().config[key]) : undefined);
export const all = () => JSON.stringify(state().config);
