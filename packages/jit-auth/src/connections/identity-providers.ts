import type { ConnectionConfig } from '@rollcall/shared/config/types';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { copyHeads } from '@rollcall/shared/db/identity-providers';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { LiveIdentityProvider } from '../saml/live-identity-provider.ts';
import type { Patience } from '../saml/metadata-download.ts';
import type { IdentityProviderKeeper, KeeperDeps } from './keeper.ts';
import { LocalKeeper } from './local-keeper.ts';
import { atMost, inTurns, singly } from './turns.ts';
import { UrlKeeper } from './url-keeper.ts';

/** What is trusted of the identity provider of every connection, kept up to date. */
export interface IdentityProviders {
  /** Throws `RangeError` for a connection that was not opened. */
  of(id: ConnectionId): LiveIdentityProvider;
  /** One look at everything, awaited to its end; otherwise it happens by itself. */
  lookNow(): Promise<void>;
  /** Stops looking, and waits for what is under way. May be called twice. */
  close(): Promise<void>;
}

/** What {@link openIdentityProviders} needs; the rest is for tests. */
export interface IdentityProvidersOptions
  extends Pick<KeeperDeps, 'db' | 'log'>,
    Partial<Pick<KeeperDeps, 'clock' | 'random' | 'resolve' | 'background'>> {
  /** Time between two looks, in milliseconds; null: only `lookNow` looks. */
  readonly lookEveryMs?: number | null;
  /** How long opening waits for sources that hang, in milliseconds. */
  readonly startWithinMs?: number;
}

/** The next attempt comes by itself. */
const IN_BACKGROUND: Patience = { attempts: 1, firstWaitMs: 0, timeoutMs: 10_000 };
/** A change that another instance has fetched is here after at most so long. */
const LOOK_EVERY_MS = 15_000;
/**
 * How long a start waits for addresses: for both attempts at one. Whatever else hangs goes on
 * in the background, so that a network without a way out keeps nobody out whose provider is
 * known.
 */
const START_WITHIN_MS = 12_000;
/** How many addresses are asked at once, so that a thousand connections are no flood. */
const AT_ONCE = 16;

/**
 * Opens the identity provider of each connection and keeps it up to date in the
 * background. One that cannot be opened keeps no other from opening: its problem is
 * held and logged, and it is tried again.
 */
export async function openIdentityProviders(
  connections: readonly Pick<ConnectionConfig, 'id' | 'idp'>[],
  options: IdentityProvidersOptions,
): Promise<IdentityProviders> {
  const closing = new AbortController();
  const deps = {
    clock: currentTime,
    random: Math.random,
    background: IN_BACKGROUND,
    ...options,
    closing: closing.signal,
  };
  const keepers = new Map(connections.map(({ id, idp }) => [id, keeperOf(id, idp, deps)]));
  const all = [...keepers.values()];
  await inTurns(all, AT_ONCE, (keeper) => keeper.open());
  const settled = inTurns(all, AT_ONCE, async (keeper) => {
    if (closing.signal.aborted) return;
    await keeper.settle();
    logAvailability(deps.log, keeper);
  });
  await atMost(options.startWithinMs ?? START_WITHIN_MS, settled);
  // Apart: a source that hangs must not delay what others have fetched.
  const follow = singly(() => followAll(all, deps));
  const refresh = singly(() => refreshAll(all, deps));
  const look = async (): Promise<void> => {
    await follow();
    await refresh();
  };
  const every = options.lookEveryMs === undefined ? usualPace(connections) : options.lookEveryMs;
  const timer = every === null ? null : setInterval(() => void look(), every);
  // It must not keep a process alive that has nothing else to do.
  timer?.unref();
  return {
    of: (id) => {
      const keeper = keepers.get(id);
      if (keeper === undefined) throw new RangeError(`no connection ${id}`);
      return keeper.live;
    },
    lookNow: look,
    close: async () => {
      if (timer !== null) clearInterval(timer);
      closing.abort();
      await settled;
      await follow.idle();
      await refresh.idle();
    },
  };
}

function keeperOf(
  id: ConnectionId,
  idp: ConnectionConfig['idp'],
  deps: KeeperDeps,
): IdentityProviderKeeper {
  return idp.kind === 'metadata_url'
    ? new UrlKeeper(id, idp, deps)
    : new LocalKeeper(id, idp, deps);
}

/** Never slower than the quickest connection wants to be refreshed. */
function usualPace(connections: readonly Pick<ConnectionConfig, 'idp'>[]): number {
  const wanted = connections.map(({ idp }) => ('refreshMs' in idp ? idp.refreshMs : LOOK_EVERY_MS));
  return Math.min(LOOK_EVERY_MS, ...wanted);
}

async function followAll(
  keepers: readonly IdentityProviderKeeper[],
  { db, log }: KeeperDeps,
): Promise<void> {
  const fetched = keepers.some((keeper) => keeper instanceof UrlKeeper);
  const heads = fetched
    ? await copyHeads(db).catch((error: unknown) => {
        log.warn({ event: 'connection.look_failed', err: error });
        // What is held ends in its time, whether the database answers or not.
        return [];
      })
    : [];
  await inTurns(keepers, AT_ONCE, (keeper) => attempt(log, keeper, () => keeper.follow(heads)));
}

async function refreshAll(
  keepers: readonly IdentityProviderKeeper[],
  { log, closing }: KeeperDeps,
): Promise<void> {
  await inTurns(keepers, AT_ONCE, async (keeper) => {
    if (!closing.aborted) await attempt(log, keeper, () => keeper.refresh());
  });
}

async function attempt(
  log: KeeperDeps['log'],
  keeper: IdentityProviderKeeper,
  work: () => Promise<void>,
): Promise<void> {
  const before = keeper.live.problem() === null;
  await work().catch((error: unknown) => log.warn({ event: 'connection.look_failed', err: error }));
  if (before !== (keeper.live.problem() === null)) logAvailability(log, keeper);
}

/** Whether anybody can sign in by it: said at the start, and whenever that changes. */
function logAvailability(log: KeeperDeps['log'], { id, live }: IdentityProviderKeeper): void {
  const problem = live.problem();
  if (problem !== null) {
    log.error({ event: 'connection.unavailable', connection: id, err: problem });
    return;
  }
  log.info({ event: 'connection.opened', connection: id, entity_id: live.current().entityId });
}
