import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, type Log } from '@rollcall/shared/telemetry/log';
import { guard } from './state-folder.ts';

/** The log of the demo, in the folder of state. */
export const LOG_FILE = 'rollcall.log';
/** A log of this size is put aside at the next start, in bytes. */
const LARGE = 10 * 1024 * 1024;

/** A log that is written to a file. */
export interface FileLog {
  readonly log: Log;
  close(): void;
}

/** Opens the log file of the folder of state, so that the terminal stays readable. */
export async function openLogFile(folder: string, verbose: boolean): Promise<FileLog> {
  return guard(folder, async () => {
    const file = join(folder, LOG_FILE);
    putAside(file);
    const descriptor = openSync(file, 'a', 0o600);
    let open = true;
    // Written at once: the last line before a crash is the one that is wanted.
    const write = (line: string): void => {
      if (open) writeSync(descriptor, line);
    };
    const close = (): void => {
      if (open) closeSync(descriptor);
      open = false;
    };
    return { log: createLog(verbose ? 'debug' : 'info', { write }), close };
  });
}

function putAside(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LARGE) renameSync(file, `${file}.old`);
}
