import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Found } from './hunt.ts';
import type { RunReport } from './processes.ts';

type Entry = { readonly run: RunReport } | { readonly found: Found };

/**
 * What a long campaign has done, a line for each run, so that one that was broken off goes
 * on where it was.
 */
export class Journal {
  readonly runs = new Map<string, RunReport>();
  readonly found = new Map<string, Found>();
  readonly #file: string | null;

  private constructor(file: string | null) {
    this.#file = file;
  }

  /** @param file null: nothing is kept. */
  static async open(file: string | null): Promise<Journal> {
    const journal = new Journal(file);
    if (file === null) return journal;
    await mkdir(dirname(file), { recursive: true });
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const entry = read(line);
      if (entry !== null) journal.#keep(entry);
    }
    // What the end cut off stays a line of its own, and is nobody's.
    if (text !== '' && !text.endsWith('\n')) await appendFile(file, '\n');
    return journal;
  }

  async add(entry: Entry): Promise<void> {
    this.#keep(entry);
    if (this.#file !== null) await appendFile(this.#file, `${JSON.stringify(entry)}\n`);
  }

  #keep(entry: Entry): void {
    if ('run' in entry) this.runs.set(entry.run.seed, entry.run);
    else this.found.set(entry.found.name, entry.found);
  }
}

/** One line; null where the end of the process cut it off. */
function read(line: string): Entry | null {
  try {
    return line === '' ? null : (JSON.parse(line) as Entry);
  } catch {
    return null;
  }
}
