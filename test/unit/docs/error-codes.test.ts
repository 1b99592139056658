import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAdvice } from '@rollcall/cli/doctor/advice';
import { PARTIAL_REASONS } from '@rollcall/shared/core/evidence';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const PAGE = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');

/** The families of codes that people meet and look up. */
const FAMILIES = [
  'saml',
  'identity',
  'access',
  'session',
  'http',
  'connection',
  'config',
  'directory',
  'listing',
  'doctor',
  'redis',
  'webhook',
  'email',
  'web',
];
const CODE = new RegExp(String.raw`(?<=['\`])(?:${FAMILIES.join('|')})\.[a-z_0-9]+(?=['\`])`, 'g');

/** Names of this form that are no codes: events of the log, kinds of facts, keys of the configuration. */
const OTHER_NAMES =
  /\b(?:event|kind): '[a-z_.]+'|\bconst event = [^;]*;|IntoOutbox\(\s*\w+,\s*'[a-z_.]+'|'(?:session\.(?:revoked|keys|idle|max)|redis\.url|connection\.(?:id|retired_at))'/g;

/** Source files of everything but the demo, which explains its own errors. */
function sources(): string {
  const packages = join(ROOT, 'packages');
  return readdirSync(packages, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(?!demo-)[^/]+\/src\/.*\.ts$/.test(name))
    .filter(
      (name) =>
        !/core\/audit-event\.ts$|src\/(?:outbox|watch|notify\/(?:events|examples))/.test(name),
    )
    .map((name) => readFileSync(join(packages, name), 'utf8'))
    .join('\n')
    .replace(/^\s*(?:\*|\/\/|\/\*\*).*$/gm, '')
    .replace(OTHER_NAMES, '');
}

/** Codes that are put together: how a directory failed, or why its listing is doubted. */
function built(): string[] {
  const port = readFileSync(join(ROOT, 'packages/sweeper/src/directories/port.ts'), 'utf8');
  const type = /export type DirectoryFault =([\s\S]*?);/.exec(port)?.[1] ?? '';
  const faults: string[] = type.match(/(?<=')[a-z_]+(?=')/g) ?? [];
  // A listing that broke off has the code of the directory, or of the run.
  const broken = [...faults, 'interrupted'].filter((name) => name !== 'malformed_answer');
  const doubts = PARTIAL_REASONS.filter((name) => !broken.includes(name));
  return [...faults.map((name) => `directory.${name}`), ...doubts.map((name) => `listing.${name}`)];
}

function emitted(): string[] {
  return [...new Set([...(sources().match(CODE) ?? []), ...built()])].sort();
}

function explained(): string[] {
  const headings = PAGE.match(/(?<=^### `)[a-z_.0-9]+(?=`$)/gm) ?? [];
  const cells =
    PAGE.match(/^\|[^|]*(?=\|)/gm)
      ?.join('\n')
      .match(CODE) ?? [];
  const all = [...headings, ...cells].filter((code) => FAMILIES.includes(code.split('.')[0] ?? ''));
  return all.sort();
}

describe('docs/errors.md', () => {
  it('explains every code that can be met, and no other, once', () => {
    expect(explained()).toEqual(emitted());
  });

  it('finds the codes that are known to exist', () => {
    // If the search found nothing, the comparison would say nothing.
    const codes = emitted();
    for (const code of [
      'saml.audience_mismatch',
      'saml.metadata_unreachable',
      'identity.subject_missing',
      'access.no_role',
      'session.access_ended',
      'http.too_many_requests',
      'connection.entity_id_changed',
      'config.unknown_key',
      'directory.forbidden',
      'listing.zero_rows',
      'doctor.sweep_stale',
    ]) {
      expect(codes).toContain(code);
    }
    expect(codes.length).toBeGreaterThan(130);
  });

  it('says what to do about each, as doctor shows it', () => {
    const advice = parseAdvice(PAGE);
    for (const code of explained()) expect(advice.of(code, 'generic'), code).toMatch(/\w{3}/);
    expect(advice.of('identity.subject_missing', 'okta')).toMatch(
      /^The log lists .* user\.getInternalProperty\("id"\)\.$/,
    );
  });
});
