/** Where `busbar:bus/kv@0.1.0` is in a unit test: `bus/kv.js`. */

const INTERFACE = /^busbar:bus\/([a-z]+)@/;

export function resolve(specifier, context, next) {
  const [, name] = INTERFACE.exec(specifier) ?? [];
  if (!name) return next(specifier, context);
  return { url: new URL(`./bus/${name}.js`, import.meta.url).href, format: 'module', shortCircuit: true };
}
