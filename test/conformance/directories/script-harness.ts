import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import type { HttpTime } from '@rollcall/sweeper/directories/http-time';
import type { Directory } from '@rollcall/sweeper/directories/port';
import type { Paging } from '../../simulators/paging.ts';
import { VirtualTime } from '../../simulators/virtual-time.ts';
import type { ScriptedHarness } from '../directory-contract.ts';
import { person, type ScriptedPerson } from './scripted-people.ts';
import {
  type Scripted,
  type ScriptedAnswer,
  type ScriptedRequest,
  ScriptedServer,
} from './scripted-server.ts';

/** How a vendor writes people, as far as faults have to be built into it. */
export interface RowShape {
  /** The vendor's own id of one of {@link somePeople}. */
  readonly idOf: (personId: string) => string;
  /** A row of the listing with another id, or something that is none. */
  readonly withId: (row: object, id: unknown) => object;
  /** The same of the answer to a look-up. */
  readonly lookUpWithId: (body: object, id: unknown) => object;
  /** The answer to a look-up of somebody who was disabled meanwhile. */
  readonly disabled: (body: object) => object;
  /** A row that says whether somebody is disabled in a way that must not be believed. */
  readonly garbled: (row: object) => object;
  /** Whether ids are numbers, so that one is nothing strange. */
  readonly numbers: boolean;
}

const PLAIN: RowShape = {
  idOf: (id) => id,
  withId: (row, id) => ({ ...row, id }),
  lookUpWithId: (body, id) => ({ ...body, id }),
  disabled: (body) => ({ ...body, active: false, enabled: false }),
  garbled: (row) => ({ ...row, active: 'True', enabled: 'True' }),
  numbers: false,
};

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
  /** Where pages say where the next one is; left out where they are counted instead. */
  readonly pointTo?: Paging['pointTo'];
  readonly shape?: Partial<RowShape>;
  readonly lookUpAbsent: ScriptedAnswer;
  readonly foreignAbsences: readonly ScriptedAnswer[];
  readonly open: (url: string, timeoutMs: number, time: HttpTime) => Directory;
  /** Whether whoever is not assigned is `unassigned`; else everybody is assigned. */
  readonly unassigns: boolean;
  /** Whether whoever is not assigned is listed; true by default. */
  readonly listsUnassigned?: boolean;
  readonly tellsGroups: boolean;
}

const TIMEOUT_MS = 1_000;

type Spoil = (request: ScriptedRequest, healthy: () => ScriptedAnswer) => Scripted;

/** Starts the scripted server and learns from a healthy listing which positions it has. */
export async function scriptHarness(script: Script): Promise<ScriptedHarness> {
  const spoils = new Map<string, Spoil>();
  let spoilOthers: Spoil | undefined;
  let spoilLookUp: Spoil | null = null;
  const paths = new Map<string, Scripted>();
  const time = new VirtualTime();
  const shape = { ...PLAIN, ...script.shape };
  const answer = (request: ScriptedRequest): Scripted => {
    const healthy = (): ScriptedAnswer => script.answer(request);
    const fixed = paths.get(request.path);
    if (fixed !== undefined) return fixed;
    if (script.isLookUp(request)) return spoilLookUp?.(request, healthy) ?? healthy();
    const position = script.positionOf(request);
    const spoil = position === null ? undefined : (spoils.get(position) ?? spoilOthers);
    return spoil?.(request, healthy) ?? healthy();
  };
  const server = await ScriptedServer.start((request) => {
    const scripted = answer(request);
    if (scripted === 'hang') setImmediate(() => time.expire());
    return scripted;
  });
  const directory = script.open(server.url, TIMEOUT_MS, time);
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
    time,
    shape,
    points: script.pointTo !== undefined,
    expected: () =>
      [...script.people.values()]
        .filter((one) => isListed(one, script))
        .map((one) => toMember(one, script, shape)),
    unlisted: () =>
      [...script.people.values()]
        .filter((one) => !isListed(one, script))
        .map((one) => shape.idOf(one.id)),
    answerPage: (page, answer) => {
      spoils.set(at(page), () => answer);
    },
    answerPageOnce: (page, answer) => {
      spoils.set(at(page), () => {
        spoils.delete(at(page));
        return answer;
      });
    },
    pointPage: (page, to) => {
      const position = to === null ? null : at(to);
      spoils.set(at(page), (request, healthy) => {
        if (script.pointTo === undefined) throw new Error('its pages do not say what is next');
        return script.pointTo(healthy(), request, position);
      });
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
      time.sleepOverIt();
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

function isListed(one: ScriptedPerson, script: Script): boolean {
  return one.assigned || !script.unassigns || (script.listsUnassigned ?? true);
}

function toMember(one: ScriptedPerson, script: Script, shape: RowShape): DirectoryMember {
  const { enabled, assigned } = one;
  const admitted = assigned || !script.unassigns;
  return {
    id: toDirectoryId(shape.idOf(one.id)),
    standing: enabled ? (admitted ? 'present' : 'unassigned') : 'disabled',
    groups: script.tellsGroups ? one.groups : null,
    label: one.name,
  };
}
