import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

interface Owner extends ProcessIdentity {
  /** The folder it was written to: in a copy of a folder in use, nobody owns anything yet. */
  readonly folder: string;
}

/**
 * Who uses the embedded database: one small file for each opening, named after
 * its process. Files of dead processes do not count and are swept away.
 *
 * Synchronous, because it also runs while the process exits.
 */
export class Owners {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Adds this process; returns the name to {@link remove} it by. */
  add(): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const name = `${process.pid}-${randomUUID()}`;
    const owner: Owner = { ...identify(), folder: this.#identity() };
    writeFileSync(join(this.#folder, name), JSON.stringify(owner), { mode: 0o600 });
    return name;
  }

  remove(name: string): void {
    rmSync(join(this.#folder, name), { force: true });
  }

  /** How many openings belong to processes that still run. */
  count(): number {
    return this.#names().filter((name) => this.#isLive(name)).length;
  }

  #identity(): string {
    const { dev, ino } = statSync(this.#folder, { bigint: true });
    return `${dev}:${ino}`;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch {
      return [];
    }
  }

  #isLive(name: string): boolean {
    try {
      const owner = JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as Owner;
      if (owner.folder === this.#identity() && isRunning(owner)) return true;
    } catch {
      // Half-written: its writer was killed, for writers hold the lock and we hold it now.
    }
    this.remove(name);
    return false;
  }
}
