import { createRequire } from 'node:module';
import type { SignInWorld } from './world.ts';

const require = createRequire(import.meta.url);

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Versions of what takes part in a sign-in; the manifests pin each exactly. */
export function versionsOf({ postgres }: SignInWorld): Record<string, string> {
  const ours = dependenciesOf('../../packages/jit-auth/package.json');
  const peer = dependenciesOf('../package.json');
  return {
    '@node-saml/node-saml': peer['@node-saml/node-saml'] ?? 'unknown',
    'libxml2-wasm': ours['libxml2-wasm'] ?? 'unknown',
    pg: ours.pg ?? 'unknown',
    Postgres: postgres,
  };
}

function dependenciesOf(manifest: string): Manifest['dependencies'] {
  return (require(manifest) as Manifest).dependencies;
}
