import type { Directory } from '@rollcall/sweeper/directories/port';
import { scimDirectory } from '@rollcall/sweeper/directories/scim';
import { scimError } from '../../conformance/directories/scim-server.ts';
import {
  json,
  type Scripted,
  type ScriptedRequest,
  ScriptedServer,
} from '../../conformance/directories/scripted-server.ts';

/** A SCIM resource. */
export type Row = Readonly<Record<string, unknown>>;
type Answer = (request: ScriptedRequest) => Scripted;

/** A SCIM server with five users, two on a page, and without groups; a test changes its answers. */
export class ScimScript {
  config: Scripted = json(200, { schemas: [] });
  users: Answer = page(['a', 'b', 'c', 'd', 'e'].map((id) => user(id)));
  groups: Answer = () => scimError(404);
  server!: ScriptedServer;

  static async start(): Promise<ScimScript> {
    const script = new ScimScript();
    script.server = await ScriptedServer.start((request) => {
      if (request.path === '/ServiceProviderConfig') return script.config;
      return request.path.startsWith('/Groups') ? script.groups(request) : script.users(request);
    });
    return script;
  }

  open(assignmentGroup: string | null = null, pageSize = 2): Directory {
    const token = async (): Promise<string> => 'token';
    const url = this.server.url;
    return scimDirectory({ url, token, assignmentGroup, timeoutMs: 2_000, pageSize });
  }
}

export function user(id: string, more: Row = {}): Row {
  return { id, userName: id, ...more };
}

/** A listing by index, and look-ups in it. */
export function page(rows: readonly Row[]): Answer {
  return ({ path, query }) => {
    const [, , id] = path.split('/');
    if (id !== undefined) {
      const row = rows.find((one) => one.id === id);
      return row === undefined ? scimError(404) : json(200, row);
    }
    const startIndex = Number(query.get('startIndex') ?? 1);
    const Resources = rows.slice(startIndex - 1, startIndex - 1 + Number(query.get('count')));
    return json(200, { totalResults: rows.length, startIndex, Resources });
  };
}
