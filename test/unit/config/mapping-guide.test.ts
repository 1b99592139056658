import { readFileSync } from 'node:fs';
import { decideProvisioning } from '@rollcall/jit-auth/provisioning/decide';
import { provisioningPolicy } from '@rollcall/jit-auth/provisioning/policy';
import { parseConfig } from '@rollcall/shared/config/load';
import { describe, expect, it } from 'vitest';

const GUIDE = readFileSync(new URL('../../../docs/mapping.md', import.meta.url), 'utf8');
const HEAD = `version: 1
public_url: https://auth.example.com
session: { keys: [env:SESSION_KEY] }
`;
const ACME = `connections:
  - id: acme
    idp: { metadata_url: https://idp.example/metadata }
    subject: { attribute: uid }
    attributes: { groups: [groups] }
`;

interface Case {
  readonly said: string;
  readonly connection: string;
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  readonly roles: readonly string[];
}

const SNIPPETS = [
  ...GUIDE.matchAll(/## (.*)\n[^#]*?```yaml\n([\s\S]*?)```|```yaml\n([\s\S]*?)```/g),
]
  .map(([, title, first, next]) => ({ title: title ?? 'another', text: first ?? next ?? '' }))
  .map((snippet) => ({ ...snippet, cases: casesOf(snippet.text) }));

/** `# acme  groups: a | b  title: c  gives: role` */
function casesOf(text: string): readonly Case[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('# '))
    .map((said) => {
      const [connection = '', ...facts] = said.slice(2).trim().split(/ {2,}/);
      const read = facts.map((fact): [string, string[]] => {
        const [name = '', value = ''] = fact.split(/: (.*)/);
        return [name, value === 'none' || value === 'nothing' ? [] : value.split(' | ')];
      });
      const attributes = new Map(read);
      const roles = attributes.get('gives') ?? [];
      attributes.delete('gives');
      return { said, connection, attributes, roles };
    });
}

describe.each(SNIPPETS)('the guide to mapping: $title', ({ text, cases }) => {
  const connections = text.startsWith('connections:') ? '' : ACME;
  const origin = { file: 'rollcall.yaml', env: {}, baseDir: '/etc/rollcall' };
  const config = parseConfig(`${HEAD}${connections}${text}`, origin);

  it('has cases', () => {
    expect(cases.length).toBeGreaterThan(0);
  });

  it.each(cases)('$said', ({ connection: id, attributes, roles }) => {
    const connection = config.connections.find((one) => one.id === id);
    if (connection === undefined) throw new Error(`no connection ${id}`);
    const subject = connection.subject.kind === 'attribute' ? connection.subject.name : '';
    const person = {
      nameId: { value: 'x', format: null },
      attributes: new Map([...attributes, [subject, ['00u1']] as const]),
    };
    const decided = decideProvisioning(person, provisioningPolicy(config, connection), () => true);
    expect(decided).toMatchObject({ kind: 'admit', mapping: { kind: 'known', roles } });
  });
});

it('the guide has every snippet tested', () => {
  expect(SNIPPETS.map(({ text }) => text)).toHaveLength(GUIDE.split('```yaml').length - 1);
});
