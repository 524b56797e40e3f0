/**
 * Builds a service: `node build.mjs [FOLDER] [FILE]`. FOLDER holds `service.js` (or `service.ts`) and `package.json`; FILE is
 * `NAME.wasm` in it if not given. Packages that the service imports are bundled with it.
 */

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { componentize } from '@bytecodealliance/componentize-js';
import { build } from 'esbuild';

/** What a component has no use of: outgoing requests are the bus's to make. */
const LEFT_OUT = ['http', 'fetch-event'];

const folder = resolve(process.argv[2] ?? '.');
const { name } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
const file = resolve(process.argv[3] ?? join(folder, `${name}.wasm`));
const source = ['service.js', 'service.ts'].map((each) => join(folder, each)).find(existsSync);
if (!source) {
  console.error(`${folder} holds neither service.js nor service.ts`);
  process.exit(1);
}

const scratch = await mkdtemp(join(tmpdir(), 'busbar-'));
try {
  const bundle = join(scratch, 'service.js');
  await build({
    entryPoints: [source],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2023',
    external: ['busbar:*'],
    logLevel: 'warning',
  });
  const { component } = await componentize({
    sourcePath: bundle,
    witPath: join(folder, 'busbar-sdk', 'wit'),
    worldName: 'plugin',
    disableFeatures: LEFT_OUT,
  });
  await writeFile(file, component);
  console.log(`built ${file}, ${(component.length / 1024 / 1024).toFixed(1)} MiB`);
} catch (error) {
  // What is wrong with the source, esbuild has said already.
  if (!error.errors) console.error(error.message);
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true });
}
