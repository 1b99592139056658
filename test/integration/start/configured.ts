import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoIdp, startDemoIdp } from '@rollcall/demo-idp/main';
import { onTestFinished } from 'vitest';
import { findFreePort } from './free-port.ts';

/** A folder with a `rollcall.yaml`, and the identity provider that it names. */
export interface ConfiguredFolder {
  readonly cwd: string;
  readonly idp: DemoIdp;
  readonly port: number;
  /** What the configuration refers to. */
  readonly env: Readonly<Record<string, string>>;
}

/** The parts that tests vary; `undefined` leaves a part out. */
export interface ConfigurationOptions {
  readonly databaseUrl: string;
  /** Lines to put at the end. */
  readonly more?: string;
  readonly sweep?: string;
}

/** Writes a whole configuration for a demo IdP that is started here. */
export async function configure(
  cwd: string,
  options: ConfigurationOptions,
): Promise<ConfiguredFolder> {
  const port = await findFreePort();
  const base = `http://127.0.0.1:${port}/saml/acme`;
  const provider = { entityId: `${base}/metadata`, acsUrl: `${base}/acs`, name: 'Acme' };
  const idp = await startDemoIdp({ serviceProviders: [provider] });
  onTestFinished(() => idp.close());
  mkdirSync(join(cwd, 'secrets'));
  writeFileSync(join(cwd, 'secrets/token'), `${idp.scimToken}\n`);
  writeFileSync(join(cwd, 'rollcall.yaml'), configuration(idp, port, options));
  const env = { ACME_DATABASE: options.databaseUrl, ACME_KEY: 'k'.repeat(40) };
  return { cwd, idp, port, env };
}

function configuration(idp: DemoIdp, port: number, options: ConfigurationOptions): string {
  return `version: 1
public_url: http://127.0.0.1:${port}
listen: 127.0.0.1:${port}
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - id: acme
    idp: { metadata_url: ${idp.url}/metadata }
    subject: { attribute: uid }
    attributes: { email: email, given_name: firstName, family_name: lastName, groups: [groups] }
    directory: { type: scim, url: ${idp.scimUrl}, token: file:secrets/token, assignment_group: Analytics App }
    sweep: ${options.sweep ?? '{ every: 7d, mode: approve, confirm_after: 1s }'}
roles:
  - { role: analyst, when: { any_group: [BI-Analysts] } }
  - { role: editor, when: { any_group: [BI-Editors] } }
${options.more ?? ''}`;
}
