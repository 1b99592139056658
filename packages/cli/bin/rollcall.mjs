#!/usr/bin/env node
// The `rollcall` command. In a checkout it runs the sources, with the Node that
// `npm start` or `npm test` installed if the machine's own is too old for them.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const built = new URL('../dist/main.js', import.meta.url);
const scripts = new URL('../../../scripts/', import.meta.url);

if (existsSync(source) && existsSync(fileURLToPath(scripts))) {
  const { findNode } = await import(new URL('toolchain.mjs', scripts).href);
  const { runInForeground } = await import(new URL('child.mjs', scripts).href);
  const node = findNode();
  if (node === undefined) {
    console.error(
      `rollcall needs Node 22.18 or newer, and this is ${process.versions.node}: run \`npm start\` or \`npm test\` once, which installs one.`,
    );
    process.exitCode = 1;
  } else {
    const { programEnvironment } = await import(new URL('places.mjs', scripts).href);
    process.exitCode = await runInForeground(
      node,
      ['--conditions=source', source, ...process.argv.slice(2)],
      { env: programEnvironment() },
    );
  }
} else {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 18)) {
    console.error(`rollcall needs Node 22.18 or newer, and this is ${process.versions.node}.`);
    process.exitCode = 1;
  } else {
    // The program looks at its first argument to see whether it was started or imported.
    process.argv[1] = fileURLToPath(built);
    await import(built.href);
  }
}
