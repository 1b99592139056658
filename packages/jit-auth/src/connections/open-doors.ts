import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { noteDays } from '@rollcall/shared/db/connection-days';
import type { Database } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Log } from '@rollcall/shared/telemetry/log';

/** By what people sign in, as far as it may be unavailable. */
interface Door {
  readonly id: ConnectionId;
  /** Why nobody can sign in by it now; null: everybody can. */
  problem(): Error | null;
}

const EVERY_MS = 30 * 60_000;

/**
 * Writes down, now and every half hour, by which connections sign-in is possible: nobody's
 * silence counts on a day on which it was not. What cannot be written is missing, which is
 * the safe side. Answers with what stops it, and waits for a write that is under way.
 */
export function noteOpenDoors(
  doors: Iterable<Door>,
  { db, log }: { readonly db: Database; readonly log: Log },
  { clock = currentTime, everyMs = EVERY_MS }: { clock?: () => EpochMs; everyMs?: number } = {},
): () => Promise<void> {
  const all = [...doors];
  let writing: Promise<void> = Promise.resolve();
  const note = (): void => {
    const open = all.filter((door) => door.problem() === null);
    const notes = open.map(({ id }) => {
      return { connectionId: id, at: clock(), accepted: false, refused: 0 };
    });
    writing = writing
      .then(() => noteDays(db, notes))
      .catch((error: unknown) => log.warn({ event: 'connection.day_not_noted', err: error }));
  };
  note();
  const timer = setInterval(note, everyMs);
  // It must not keep a process alive that has nothing else to do.
  timer.unref();
  return () => {
    clearInterval(timer);
    return writing;
  };
}
