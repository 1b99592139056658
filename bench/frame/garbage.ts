import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** Collects garbage, so that no contestant pays for what another one left. */
export function collectGarbage(): void {
  if (typeof collect !== 'function') throw new TypeError('this Node has no gc to call');
  collect();
}
