import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import type { Directory } from '@rollcall/sweeper/directories/port';
import type { ScriptedHarness } from '../directory-contract.ts';
import { person, type ScriptedPerson } from './scripted-people.ts';
import {
  type Scripted,
  type ScriptedAnswer,
  type ScriptedRequest,
  ScriptedServer,
} from './scripted-server.ts';

/** A protocol as far as faults have to be built into its answers. */
export interface Script {
  readonly people: Map<string, ScriptedPerson>;
  /** The healthy answer. */
  readonly answer: (request: ScriptedRequest) => ScriptedAnswer;
  /** Where in the listing of people a request is; null where it asks for something else. */
  readonly positionOf: (request: ScriptedRequest) => string | null;
  readonly isLookUp: (request: ScriptedRequest) => boolean;
  /** The same request for another position. */
  readonly moveTo: (request: ScriptedRequest, position: string) => ScriptedRequest;
  readonly readRows: (body: string) => unknown[];
  readonly writeRows: (body: string, rows: readonly unknown[], position: string) => string;
  readonly lookUpAbsent: ScriptedAnswer;
  readonly foreignAbsences: readonly ScriptedAnswer[];
  readonly open: (url: string, timeoutMs: number) => Directory;
  readonly unassigns: boolean;
  readonly tellsGroups: boolean;
}

/** Enough for a loaded machine, little enough to wait for. */
const TIMEOUT_MS = 1_000;

type Spoil = (request: ScriptedRequest, healthy: () => ScriptedAnswer) => Scripted;

/** Starts the scripted server and learns from a healthy listing which positions it has. */
export async function scriptHarness(script: Script): Promise<ScriptedHarness> {
  const spoils = new Map<string, Spoil>();
  let spoilOthers: Spoil | undefined;
  let spoilLookUp: Spoil | null = null;
  const paths = new Map<string, Scripted>();
  const server = await ScriptedServer.start((request) => {
    const healthy = (): ScriptedAnswer => script.answer(request);
    const fixed = paths.get(request.path);
    if (fixed !== undefined) return fixed;
    if (script.isLookUp(request)) return spoilLookUp?.(request, healthy) ?? healthy();
    const position = script.positionOf(request);
    const spoil = position === null ? undefined : (spoils.get(position) ?? spoilOthers);
    return spoil?.(request, healthy) ?? healthy();
  });
  const directory = script.open(server.url, TIMEOUT_MS);
  for await (const _page of directory.list(AbortSignal.timeout(10_000)));
  const positions = server.requests.flatMap((request) => script.positionOf(request) ?? []);
  const at = (page: number): string => {
    const position = positions[page - 1];
    if (position === undefined) throw new Error(`the listing has no page ${page}`);
    return position;
  };
  const rowsOf = (page: number, request: ScriptedRequest): unknown[] =>
    script.readRows(script.answer(script.moveTo(request, at(page))).body);

  return {
    directory,
    pages: positions.length,
    timeoutMs: TIMEOUT_MS,
    requests: server.requests,
    foreignAbsences: script.foreignAbsences,
    lookUpAbsent: script.lookUpAbsent,
    expected: () => [...script.people.values()].map((one) => toMember(one, script)),
    answerPage: (page, answer) => {
      spoils.set(at(page), () => answer);
    },
    cutPage: (page) => {
      spoils.set(at(page), (_request, healthy) => ({ cut: healthy() }));
    },
    changeRows: (page, change) => {
      spoils.set(at(page), (_request, healthy) => {
        const answer = healthy();
        const rows = change(script.readRows(answer.body));
        return { ...answer, body: script.writeRows(answer.body, rows, at(page)) };
      });
    },
    repeatPage: (page) => {
      const healthyPositions = positions.slice(0, page - 1);
      spoilOthers = (request, healthy) => {
        const position = script.positionOf(request);
        const answer = healthy();
        if (position === null || healthyPositions.includes(position)) return answer;
        const rows = rowsOf(page - 1, request);
        return { ...answer, body: script.writeRows(answer.body, rows, position) };
      };
    },
    beforePage: (page, action) => {
      spoils.set(at(page), (_request, healthy) => {
        spoils.delete(at(page));
        action();
        return healthy();
      });
    },
    answerLookUp: (answer) => {
      spoilLookUp = () => answer;
    },
    answerPath: (path, answer) => {
      paths.set(path, answer);
    },
    changeLookUp: (change) => {
      spoilLookUp = (_request, healthy) => {
        const answer = healthy();
        return { ...answer, body: JSON.stringify(change(JSON.parse(answer.body) as object)) };
      };
    },
    mend: () => {
      spoils.clear();
      spoilOthers = undefined;
      spoilLookUp = null;
      paths.clear();
    },
    join: (number, name) => {
      const joining = person(number, name);
      script.people.set(joining.id, joining);
      const sorted = [...script.people.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      script.people.clear();
      for (const one of sorted) script.people.set(one.id, one);
    },
    leave: (id) => {
      script.people.delete(id);
    },
    unassign: (id) => {
      const one = script.people.get(id);
      if (one !== undefined) script.people.set(id, { ...one, assigned: false });
    },
    close: () => server.close(),
  };
}

function toMember(one: ScriptedPerson, script: Script): DirectoryMember {
  const { enabled, assigned } = one;
  const admitted = assigned || !script.unassigns;
  return {
    id: toDirectoryId(one.id),
    standing: enabled ? (admitted ? 'present' : 'unassigned') : 'disabled',
    groups: script.tellsGroups ? one.groups : null,
    label: one.name,
  };
}
