import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';

/** A CPU profile as V8 gives it. */
export type CpuProfile = Profiler.Profile;

const SAMPLING_INTERVAL_US = 500;

/** Profiles this process's own thread while `work` runs. */
export async function profileCpu(work: () => Promise<unknown>): Promise<CpuProfile> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    await session.post('Profiler.start');
    await work();
    const { profile } = await session.post('Profiler.stop');
    return profile;
  } finally {
    session.disconnect();
  }
}

/**
 * The shares of a profile by whose code ran: a package, a built-in module of
 * Node, or V8's own words for garbage collection and idleness. What has no file
 * of its own (native functions, Node's inner plumbing) counts for its caller.
 * Largest first; together they are 1. Throws `RangeError` for an empty profile.
 */
export function sharesOf(
  profile: CpuProfile,
): readonly (readonly [owner: string, share: number])[] {
  const owners = ownersOf(profile);
  const totals = new Map<string, number>();
  let whole = 0;
  for (const [index, node] of (profile.samples ?? []).entries()) {
    const time = Math.max(0, profile.timeDeltas?.[index] ?? 0);
    const owner = owners.get(node) ?? NODE_ITSELF;
    if (owner === PROFILER) continue;
    totals.set(owner, (totals.get(owner) ?? 0) + time);
    whole += time;
  }
  if (whole === 0) throw new RangeError('expected samples in the profile, received none');
  return [...totals]
    .map(([owner, time]) => [owner, time / whole] as const)
    .sort(([, a], [, b]) => b - a);
}

function ownersOf({ nodes }: CpuProfile): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const owners = new Map<number, string>();
  const visit = (start: number): void => {
    const waiting: [id: number, inherited: string][] = [[start, NODE_ITSELF]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [id, inherited] = next;
      const node = byId.get(id);
      if (node === undefined) continue;
      const owner = ownerOf(node.callFrame) ?? inherited;
      owners.set(id, owner);
      for (const child of node.children ?? []) waiting.push([child, owner]);
    }
  };
  const root = nodes[0];
  if (root !== undefined) visit(root.id);
  return owners;
}

const NODE_ITSELF = 'Node and native code';
/** Starting and stopping the profile is no part of what is profiled. */
const PROFILER = 'profiler';

const V8_OWN: Readonly<Record<string, string>> = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'idle: waiting for others',
};

function ownerOf({ url, functionName }: { url: string; functionName: string }): string | null {
  if (url === '') return V8_OWN[functionName] ?? null;
  if (url.startsWith('wasm:')) return 'libxml2-wasm';
  if (url === 'node:inspector') return PROFILER;
  if (url.includes('node:internal/crypto')) return 'node:crypto';
  if (url.startsWith('node:')) return null;
  const installed = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (installed !== undefined) return installed;
  return /\/packages\/([^/]+)\/src\//.test(url) ? 'Rollcall itself' : 'the bench';
}
