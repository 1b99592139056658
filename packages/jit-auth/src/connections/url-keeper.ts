import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdpConfig } from '@rollcall/shared/config/types';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after } from '@rollcall/shared/core/time';
import {
  type CopyHead,
  type CopyKey,
  claimCopy,
  knowCopy,
  readCopy,
  type StoredCopy,
} from '@rollcall/shared/db/identity-providers';
import { readTrusted } from '../saml/load-identity-provider.ts';
import type { MetadataReading } from '../saml/metadata.ts';
import { type Patience, withoutQuery } from '../saml/metadata-download.ts';
import { trustedCertificates } from './certificate-history.ts';
import { HeldIdentityProvider } from './held-identity-provider.ts';
import type { IdentityProviderKeeper, KeeperDeps } from './keeper.ts';
import { refreshCopy } from './refresh-copy.ts';

/** Metadata at an address, as a connection configures it. */
export type UrlSource = Extract<IdpConfig, { kind: 'metadata_url' }>;

/** While the service starts: long enough for most answers, short enough to wait for. */
const AT_START: Patience = { attempts: 2, firstWaitMs: 500, timeoutMs: 5_000 };
/** Longer than any download takes: by then whoever claimed it has died. */
const CLAIM_MS = 60_000;
/** How long a start waits for another instance that fetches at that moment. */
const WAIT_FOR_OTHER_MS = 10_000;
const LOOK_AGAIN_MS = 200;

/**
 * Keeps an identity provider whose metadata is at an address. What was fetched last and
 * believed is in the database: one instance fetches, the others read it there, and it
 * outlives an outage of the address and a restart.
 */
export class UrlKeeper implements IdentityProviderKeeper {
  readonly id: ConnectionId;
  readonly live: HeldIdentityProvider;
  readonly #source: UrlSource;
  readonly #deps: KeeperDeps;
  readonly #key: CopyKey;
  #copy: StoredCopy | null = null;
  #reading: MetadataReading | null = null;
  #head: CopyHead | null = null;

  constructor(id: ConnectionId, source: UrlSource, deps: KeeperDeps) {
    this.id = id;
    this.#source = source;
    this.#deps = deps;
    this.#key = copyKey(id, source.url);
    this.live = new HeldIdentityProvider(id);
  }

  async open(): Promise<void> {
    try {
      await this.#know();
      await this.#readStored();
    } catch (error) {
      this.live.drop(error);
    }
  }

  async settle(): Promise<void> {
    try {
      await this.#settleOrThrow();
    } catch (error) {
      // A database that hiccups now takes nothing away that was read from it a moment ago.
      if (this.live.problem() !== null) this.live.drop(error);
      else this.#deps.log.warn({ event: 'connection.look_failed', err: error });
    }
    const { failures = 0, lastFailure, fetched } = this.#copy ?? {};
    if (this.live.problem() !== null || failures === 0 || !fetched) return;
    const facts = { fetched_at: new Date(fetched.fetchedAt), code: lastFailure?.code };
    this.#deps.log.warn({ event: 'connection.stored_copy_used', connection: this.id, ...facts });
  }

  async follow(heads: readonly CopyHead[]): Promise<void> {
    const { connectionId, source } = this.#key;
    const head = heads.find((one) => one.connectionId === connectionId && one.source === source);
    this.#head = head ?? null;
    if (head !== undefined && head.version !== this.#copy?.version) await this.#readStored();
    else this.#trust();
  }

  async refresh(): Promise<void> {
    const head = this.#head;
    if (head !== null && !this.#isDue(head)) return;
    // The row may be missing where somebody has deleted it.
    if (head === null) await this.#know();
    if (await this.#claim(this.#earlyOf(head))) await this.#fetch(this.#deps.background);
  }

  async #settleOrThrow(): Promise<void> {
    await this.#know();
    for (const start = performance.now(); ; await sleep(LOOK_AGAIN_MS)) {
      await this.#readStored();
      const usable = this.live.problem() === null;
      if (usable && this.#copy !== null && !this.#isDue(this.#copy)) return;
      // Whoever starts a service that cannot sign anybody in does not wait for its turn.
      const early = usable ? this.#earlyOf(this.#copy) : (this.#copy?.version ?? 0);
      if (await this.#claim(early)) return await this.#fetch(AT_START);
      const ends = usable || this.#deps.closing.aborted;
      if (ends || performance.now() - start > WAIT_FOR_OTHER_MS) return;
    }
  }

  /**
   * Nothing is put off for longer than `refresh`: what is due later than that was written by
   * a clock that was ahead, and would keep a new key of the provider out until then.
   */
  #isDue({ dueAt }: Pick<CopyHead, 'dueAt'>): boolean {
    const now = this.#deps.clock();
    return dueAt <= now || dueAt > after(now, this.#source.refreshMs + CLAIM_MS);
  }

  /** Which version is to be claimed although its time has not come; null: none. */
  #earlyOf(head: Pick<CopyHead, 'dueAt' | 'version'> | null): number | null {
    return head === null || head.dueAt <= this.#deps.clock() ? null : head.version;
  }

  #know(): Promise<void> {
    const { db, clock } = this.#deps;
    return knowCopy(db, this.#key, withoutQuery(this.#source.url), clock());
  }

  #claim(early: number | null): Promise<boolean> {
    const { db, clock } = this.#deps;
    const now = clock();
    return claimCopy(db, this.#key, { now, until: after(now, CLAIM_MS), early });
  }

  async #fetch(patience: Patience): Promise<void> {
    const usable = this.live.problem() === null;
    await refreshCopy(this.#key, this.#source, { ...this.#deps, patience, usable });
    await this.#readStored();
  }

  async #readStored(): Promise<void> {
    this.#copy = await readCopy(this.#deps.db, this.#key);
    this.#reading = null;
    this.#trust();
  }

  /** What is trusted follows from the stored copy and the time. */
  #trust(): void {
    const now = this.#deps.clock();
    const copy = this.#copy;
    if (copy === null || copy.fetched === null) {
      this.live.drop(reasonOf(copy));
      return;
    }
    try {
      // Whom the configuration pins may have changed since it was stored.
      this.#reading ??= readTrusted(copy.fetched.xml, this.#source.pins, now);
      const { idp, validUntil } = this.#reading;
      const certificates = trustedCertificates(copy.certificates, now, this.#source);
      this.live.hold({ ...idp, certificates }, validUntil);
      this.live.dropIfExpired(now);
    } catch (error) {
      this.live.drop(error);
    }
  }
}

/** Which stored copy belongs to a connection and its address. */
export function copyKey(connectionId: ConnectionId, url: string): CopyKey {
  return { connectionId, source: createHash('sha256').update(url).digest('hex') };
}

function reasonOf(copy: StoredCopy | null): AppError {
  const failure = copy?.lastFailure ?? null;
  if (failure !== null) return new AppError(failure.code, failure.sentence);
  return new AppError('connection.opening', 'The metadata has not been fetched yet.');
}
