/** Write a Busbar service as a JavaScript function. README.md of this folder tells how. */

export * as amqp from './amqp.js';
export * as cache from './cache.js';
export * as config from './config.js';
export * as context from './context.js';
export * as deliver from './deliver.js';
export * as dictionaries from './dictionaries.js';
export * as http from './http.js';
export * as kv from './kv.js';
export * as log from './log.js';
export * as secrets from './secrets.js';
export * as soap from './soap.js';
export * as sql from './sql.js';
export { Fail, Fault, InvalidInput, Reject, RetryAfter } from './fault.js';
export { invoke, invokeAll, invokeAsync, invokeRaw } from './invoke.js';
export { Request, Response } from './payload.js';
export { definePlugin, defineService, raw, Reply } from './plugin.js';
