/** `busbar:bus/cache` */

import { state } from '../state.js';

const remove = (key) => void state().cache.delete(key);

export const get = (key) => state().cache.get(key);
export const put = (key, value) => Boolean(state().cache.set(key, value));
export { remove as delete };
