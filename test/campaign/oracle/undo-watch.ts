import type { Access, GrantRow, UserRow } from './mirror.ts';
import type { Notebook } from './notebook.ts';
import type { AuditRow } from './trail.ts';

interface Line {
  readonly before: Access;
  confirmedSince: boolean;
}

/** Holds each undo against how things were before the plan. */
export class UndoWatch {
  readonly #notebook: Notebook;
  readonly #lines = new Map<string, Line>();

  constructor(notebook: Notebook) {
    this.#notebook = notebook;
  }

  /** A sweep changed somebody, who was so before. */
  note(run: string, before: Access): void {
    this.#lines.set(`${run} ${before.user?.id}`, { before, confirmedSince: false });
  }

  /** What a directory confirms changes neither version nor access; an undo leaves it as it is. */
  confirmed(before: Access, after: Access): void {
    if (before.user === null || after.user === null) return;
    if (before.user.version !== after.user.version) return;
    if (before.user.last_confirmed_at === after.user.last_confirmed_at) return;
    for (const [key, line] of this.#lines) {
      if (key.endsWith(after.user.id)) line.confirmedSince = true;
    }
  }

  /** Something was taken back. */
  see(after: Access, undone: AuditRow): void {
    const run = String(undone.evidence?.runId ?? '');
    const user = after.user as UserRow;
    this.#notebook.count('checked undo');
    const line = this.#lines.get(`${run} ${user.id}`);
    if (line === undefined) {
      this.#notebook.blame('undo', `${user.subject}: an undo of ${run}, which did nothing to them`);
      return;
    }
    this.#notebook.count(`undone ${line.confirmedSince ? 'after a confirmation' : 'exactly'}`);
    const [was, is] = [stateText(line.before), stateText(after)];
    if (was !== is)
      this.#notebook.blame(
        'undo',
        `${user.subject} was ${was} before the plan, and is ${is} after the undo`,
      );
    const grants = (access: Access) =>
      JSON.stringify(access.grants.map((grant) => grantText(grant, line.confirmedSince)));
    if (grants(line.before) !== grants(after)) {
      this.#notebook.blame(
        'undo',
        `${user.subject} had ${grants(line.before)}, and has ${grants(after)} after the undo`,
      );
    }
  }
}

function stateText({ user }: Access): string {
  return JSON.stringify([
    user?.state,
    user?.cause,
    user?.state_reason,
    user?.state_changed_at,
    user?.groups,
    user?.groups_seen_at,
  ]);
}

function grantText(grant: GrantRow, confirmedSince: boolean): unknown {
  if (!confirmedSince) return grant;
  const { role, connection_id, channel, privileged, first_seen_at } = grant;
  return { role, connection_id, channel, privileged, first_seen_at };
}
