import { stat } from 'node:fs/promises';
import { codeOf } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { registerConnection } from '@rollcall/shared/db/connections';
import {
  type IdentityProviderSource,
  loadIdentityProvider,
} from '../saml/load-identity-provider.ts';
import { HeldIdentityProvider } from './held-identity-provider.ts';
import type { IdentityProviderKeeper, KeeperDeps } from './keeper.ts';

/** A source on this machine: a file, or the configuration itself. */
export type LocalSource = Exclude<IdentityProviderSource, { kind: 'metadata_url' }> & {
  readonly refreshMs?: number;
};

/**
 * Keeps an identity provider that is described on this machine. A file is read again once
 * it has changed. What it says holds as it is, without an overlap: whoever wrote it
 * decides. A file that has become unreadable or wrong leaves what was read before.
 */
export class LocalKeeper implements IdentityProviderKeeper {
  readonly id: ConnectionId;
  readonly live: HeldIdentityProvider;
  readonly #source: LocalSource;
  readonly #deps: KeeperDeps;
  #lookedAt: EpochMs | null = null;
  /** What the file was when it was last read, well or not. */
  #stamp: string | null = null;

  constructor(id: ConnectionId, source: LocalSource, deps: KeeperDeps) {
    this.id = id;
    this.#source = source;
    this.#deps = deps;
    this.live = new HeldIdentityProvider(id);
  }

  async open(): Promise<void> {
    await this.#load(await this.#readStamp());
  }

  async settle(): Promise<void> {
    // All is here.
  }

  async follow(): Promise<void> {
    this.live.dropIfExpired(this.#deps.clock());
  }

  async refresh(): Promise<void> {
    const now = this.#deps.clock();
    const every = this.#source.refreshMs ?? 0;
    const works = this.live.problem() === null;
    if (works && this.#lookedAt !== null && now < this.#lookedAt + every) return;
    this.#lookedAt = now;
    const stamp = await this.#readStamp();
    if (works && stamp === this.#stamp) return;
    await this.#load(stamp);
  }

  async #load(stamp: string): Promise<void> {
    const { db, log, clock } = this.#deps;
    const now = clock();
    this.#stamp = stamp;
    this.#lookedAt = now;
    const worked = this.live.problem() === null;
    try {
      const { idp, validUntil } = await loadIdentityProvider(this.#source, now);
      await registerConnection(db, this.id, idp.entityId, now);
      this.live.hold(idp, validUntil);
      if (worked) log.info({ event: 'connection.changed', connection: this.id });
    } catch (error) {
      const facts = { connection: this.id, code: codeOf(error), err: error };
      if (worked) log.error({ event: 'connection.refresh_failed', ...facts });
      else this.live.drop(error);
    }
  }

  /** Changes whenever the file may have changed; always the same for the configuration itself. */
  async #readStamp(): Promise<string> {
    if (this.#source.kind !== 'metadata_file') return this.#source.kind;
    try {
      const { mtimeMs, size, ino } = await stat(this.#source.path);
      return `${mtimeMs}:${size}:${ino}`;
    } catch {
      return 'missing';
    }
  }
}
