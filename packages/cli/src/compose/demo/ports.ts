import { AppError } from '@rollcall/shared/core/errors';
import { readStateFile, writeStateFile } from '../state-folder.ts';
import { isPortFree } from '../web-server.ts';

/** The ports of the demo. */
export interface DemoPorts {
  readonly web: number;
  readonly idp: number;
}

const FIRST_CHOICE: DemoPorts = { web: 3000, idp: 3001 };
const MEMORY = 'demo.json';
/** How many ports are tried, upwards from the preferred one. */
const TRIES = 100;

/** The ports of the last time, so that bookmarks go on working; else the first choice. */
export async function preferredPorts(folder: string): Promise<DemoPorts> {
  const text = await readStateFile(folder, MEMORY);
  return (text === null ? null : readMemory(text)) ?? FIRST_CHOICE;
}

/** Writes down which ports it was this time. Throws `state.unwritable`. */
export async function rememberPorts(folder: string, ports: DemoPorts): Promise<void> {
  await writeStateFile(folder, MEMORY, `${JSON.stringify(ports)}\n`);
}

/**
 * Takes the first port, from `preferred` upwards, that nobody holds, neither by
 * IPv4 nor by IPv6: browsers try both for `localhost`.
 *
 * @param passOver a port that is meant for something else.
 * @param open opens the port; throws an error with the code `taken` where somebody was faster.
 */
export async function takeFreePort<T>(
  preferred: number,
  passOver: number,
  taken: string,
  open: (port: number) => Promise<T>,
): Promise<T> {
  for (let port = preferred; port < Math.min(preferred + TRIES, 65_536); port++) {
    if (port === passOver || !(await isPortFree(port))) continue;
    try {
      return await open(port);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === taken)) throw error;
    }
  }
  throw new AppError(
    'demo.no_free_port',
    `The ${TRIES} ports from ${preferred} up are all taken: stop one of the programs that hold them.`,
  );
}

/** A file that says nothing usable is only a memory that was lost. */
function readMemory(text: string): DemoPorts | null {
  try {
    const memory: unknown = JSON.parse(text);
    if (typeof memory !== 'object' || memory === null) return null;
    const [web, idp] = [Reflect.get(memory, 'web'), Reflect.get(memory, 'idp')];
    return isPort(web) && isPort(idp) && web !== idp ? { web, idp } : null;
  } catch {
    return null;
  }
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}
