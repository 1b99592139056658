import { decideProvisioning } from '@rollcall/jit-auth/provisioning/decide';
import { provisioningPolicy } from '@rollcall/jit-auth/provisioning/policy';
import { readConfig } from '@rollcall/shared/config/load';
import { PRESET_NAMES, type PresetName } from '@rollcall/shared/config/presets';
import type { ConfigInput } from '@rollcall/shared/config/types';
import { describe, expect, it } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { VENDORS } from '../../fixtures/saml/vendors/all-vendors.ts';
import { ADA, signAsVendor } from '../../fixtures/saml/vendors/vendor-shape.ts';

const key = await makeTestKey();

type Vendor = keyof typeof VENDORS;
interface Written {
  /** What the guide asks an administrator to write besides the preset. */
  readonly keys: Readonly<Record<string, unknown>>;
  readonly subject?: string;
  readonly email?: string | null;
  readonly names?: readonly [string | null, string | null];
}

/** What has to be written beside each preset; where a value is left out, it is Ada's. */
const WRITTEN: Readonly<Record<Vendor, Written>> = {
  okta: { keys: { subject: { attribute: 'okta_id' } } },
  entra: { keys: {} },
  google: {
    keys: {
      subject: { attribute: 'employeeId' },
      attributes: {
        email: 'email',
        given_name: 'firstName',
        family_name: 'lastName',
        groups: ['groups'],
      },
    },
  },
  adfs: { keys: { subject: { name_id: 'persistent' } } },
  keycloak: { keys: { subject: { attribute: 'uid' } } },
  auth0: { keys: {}, subject: `auth0|${ADA.id}` },
  // OneLogin writes all groups into one value.
  onelogin: {
    keys: { subject: { attribute: 'PersonImmutableID' }, attributes: { groups_split: ';' } },
  },
  ping: {
    keys: {
      subject: { attribute: 'user_id' },
      attributes: { email: 'email', given_name: 'firstName', family_name: 'lastName' },
    },
  },
  jumpcloud: {
    keys: {
      subject: { attribute: 'employee_id' },
      attributes: { email: 'email', given_name: 'firstname', family_name: 'lastname' },
    },
  },
  // One attribute has the whole name.
  authentik: { keys: {}, names: [null, null] },
  aws: { keys: { subject: { name_id: 'persistent' } } },
};

async function policyOf(preset: PresetName, keys: Readonly<Record<string, unknown>>) {
  const config = await readConfig(
    {
      version: 1,
      public_url: 'https://auth.example.com',
      session: { keys: ['env:SESSION_KEY'] },
      connections: [
        { id: 'acme', preset, idp: { metadata_url: 'https://idp.example.com' }, ...keys },
      ],
      roles: [{ role: 'analyst', when: { any_group: ['BI-Analysts'] } }],
    } as unknown as ConfigInput,
    {},
  );
  const [connection] = config.connections;
  if (connection === undefined) throw new Error('no connection');
  return provisioningPolicy(config, connection);
}

describe.each(Object.entries(VENDORS) as [Vendor, (typeof VENDORS)[Vendor]][])(
  'the preset %s',
  (preset, shape) => {
    const { keys, subject = ADA.id, email = ADA.email, ...rest } = WRITTEN[preset];
    const [givenName, familyName] = rest.names ?? [ADA.givenName, ADA.familyName];
    const groups = [...ADA.groups].sort();

    it('reads who it is, how to reach them and their groups out of a signed response', async () => {
      const idp = testIdp(key, { entityId: shape.entityId });
      const browser = await sendBrowser(
        testConnection(idp, { signed: shape.signs }),
        mapReplayMemory(),
      );
      const xml = signAsVendor(shape, { ...browser.answer, person: ADA }, shape.signs, key);
      const { assertion } = await postResponse(browser, xml);
      const policy = await policyOf(preset, keys);
      expect(decideProvisioning(assertion, policy, () => false)).toMatchObject({
        kind: 'admit',
        subject,
        directoryId: subject,
        profile: { email, givenName, familyName },
        groups,
        mapping: { kind: 'known', roles: ['analyst'] },
      });
    });
  },
);

it('has a response for each preset', () => {
  const named = PRESET_NAMES.filter((name) => name !== 'generic');
  expect(Object.keys(VENDORS).sort()).toEqual([...named].sort());
});

const WITHOUT_SUBJECT = Object.entries(WRITTEN).filter(([, { keys }]) => 'subject' in keys);

it.each(WITHOUT_SUBJECT)(
  '%s wants to be told what names people for ever',
  async (preset, { keys }) => {
    const { subject: _, ...without } = keys;
    await expect(policyOf(preset as PresetName, without)).rejects.toMatchObject({
      issues: [expect.objectContaining({ path: 'connections.0.subject' })],
    });
  },
);
