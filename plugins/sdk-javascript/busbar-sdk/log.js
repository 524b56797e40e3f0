/**
 * The log of the bus, which adds correlation id, plugin and service: `log.info('sent', { order: id })`. What `console` is
 * given goes there too.
 */

import * as bus from 'busbar:bus/log@0.1.0';

function write(level, message, fields = {}) {
  bus.write(level, String(message), Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

export const trace = (message, fields) => write('trace', message, fields);
export const debug = (message, fields) => write('debug', message, fields);
export const info = (message, fields) => write('info', message, fields);
export const warn = (message, fields) => write('warn', message, fields);
export const error = (message, fields) => write('error', message, fields);
