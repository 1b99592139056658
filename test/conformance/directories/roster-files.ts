import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RosterFormat } from '@rollcall/shared/config/schema/roster';
import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { type RosterOptions, rosterDirectory } from '@rollcall/sweeper/directories/roster/roster';
import type { DirectoryHarness } from '../directory-contract.ts';

export const NOW = toEpochMs(Date.UTC(2026, 10, 25, 8));
export const WRITTEN = '2026-11-25T02:00:00Z';

/** People of a roster, some of them with names that have to be quoted. */
export const PEOPLE: readonly DirectoryMember[] = [
  member('id-01', 'Ada "the first" Lovelace', ['BI-Analysts', 'Finance, EMEA']),
  member('id-02', 'Grace\nHopper', []),
  member('00123', 'Ærøskøbing, Åse', ['BI-Analysts']),
  { ...member('id-04', 'Alan', ['x']), standing: 'disabled' },
  member('id-05', 'Hedy', ['BI-Editors']),
];

function member(id: string, label: string, groups: string[]): DirectoryMember {
  return { id: toDirectoryId(id), standing: 'present', groups, label };
}

/** The people as a file of this format, with a number of rows and a date at its end. */
export function writeRoster(format: RosterFormat, people = PEOPLE): string {
  const objects = people.map(({ id, standing, groups, label }) => ({
    id,
    active: standing === 'present',
    groups,
    label,
  }));
  if (format === 'json') {
    return JSON.stringify({ rows: people.length, as_of: WRITTEN, people: objects });
  }
  if (format === 'ndjson') {
    const end = { rows: people.length, as_of: WRITTEN };
    return [...objects, end].map((line) => `${JSON.stringify(line)}\n`).join('');
  }
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const lines = objects.map(({ id, active, groups, label }) =>
    [id, active ? 'yes' : 'no', quote((groups ?? []).join(';')), quote(label ?? '')].join(','),
  );
  const end = [`# rows: ${people.length}`, `# as_of: ${WRITTEN}`];
  return ['\ufeffid,active,groups,label', ...lines, ...end, ''].join('\r\n');
}

export function checksumOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The keys that a roster of {@link writeRoster} is read with. */
export function rosterOptions(
  place: RosterOptions['place'],
  more: Partial<RosterOptions> = {},
): RosterOptions {
  return {
    place,
    token: null,
    format: 'csv',
    delimiter: 'comma',
    columns: { id: 'id', active: 'active', groups: 'groups', label: 'label' },
    groupsSplit: ';',
    activeWords: [],
    inactiveWords: [],
    countRequired: true,
    validForMs: 36 * 3_600_000,
    maxBytes: 64 * 1024 * 1024,
    timeoutMs: 1_000,
    pageSize: 2,
    clock: () => NOW,
    ...more,
  };
}

/** A folder with a roster and its checksum. */
export async function openRosterFile(format: RosterFormat): Promise<DirectoryHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-roster-'));
  const path = join(folder, `roster.${format}`);
  const text = writeRoster(format);
  await writeFile(path, text);
  await writeFile(`${path}.sha256`, `${checksumOf(text)}  roster.${format}\n`);
  const place = { kind: 'file', roster: path, checksum: `${path}.sha256` } as const;
  return {
    directory: rosterDirectory(rosterOptions(place, { format })),
    expected: () => PEOPLE,
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A server that gives what it is told under each path, and how often it was asked. */
export interface RosterServer {
  readonly url: string;
  readonly files: Map<string, ServedFile>;
  readonly asked: { readonly path: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

export interface ServedFile {
  readonly body: string | Uint8Array;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection breaks off after so many bytes. */
  readonly cutAfter?: number;
}

export async function openRosterServer(): Promise<RosterServer> {
  const files = new Map<string, ServedFile>();
  const asked: { path: string; authorization: string | undefined }[] = [];
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, authorization: request.headers.authorization });
    const file = files.get(path);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const body = Buffer.from(file.body);
    const headers = { 'content-length': String(body.length), ...file.headers };
    response.writeHead(file.status ?? 200, headers);
    if (file.cutAfter === undefined) response.end(body);
    else response.write(body.subarray(0, file.cutAfter), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
