import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Residue, Violation } from './oracle/oracle.ts';
import type { CampaignServer } from './server.ts';

/** One run, as the process that ran it tells of it. */
export interface RunReport {
  readonly seed: string;
  readonly violations: readonly Violation[];
  readonly residues: readonly Residue[];
  readonly counts: Readonly<Record<string, number>>;
  readonly sweeps: number;
  /** Milliseconds. */
  readonly took: number;
  readonly history: readonly string[];
}

export interface Campaign {
  readonly server: CampaignServer;
  readonly seeds: readonly string[];
  readonly processes: number;
  /** What of the product is broken on purpose; null: nothing. */
  readonly broken: string | null;
  /** Told of each run; ends the campaign by answering with `stop`. */
  onRun(run: RunReport): 'stop' | undefined;
}

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));
/** Room for what a run throws away: a quarter less time goes into collecting it. */
const MEMORY = '--max-semi-space-size=64';
const BREAKING = new URL('breaking.ts', import.meta.url).href;

/** Runs seeds in processes of their own, each with a database of its own. */
export async function runInProcesses(campaign: Campaign): Promise<void> {
  const { seeds, processes } = campaign;
  const count = Math.min(processes, seeds.length);
  const shares = Array.from({ length: count }, (_, share) =>
    seeds.filter((_, index) => index % count === share),
  );
  const stopping = new AbortController();
  await Promise.all(shares.map((share) => runShare(campaign, share, stopping)));
}

async function runShare(
  campaign: Campaign,
  seeds: readonly string[],
  stopping: AbortController,
): Promise<void> {
  const { server, broken } = campaign;
  const url = await server.makeDatabase();
  const args = ['--conditions=source', MEMORY, ...(broken === null ? [] : ['--import', BREAKING])];
  const env = { ...process.env, CAMPAIGN_DATABASE: url, CAMPAIGN_BROKEN: broken ?? '' };
  const child = spawn(process.execPath, [...args, WORKER], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code));
  });
  stopping.signal.addEventListener('abort', () => child.kill('SIGKILL'));
  child.stdin.end(seeds.join('\n'));
  for await (const line of createInterface({ input: child.stdout })) {
    if (stopping.signal.aborted) break;
    if (campaign.onRun(JSON.parse(line) as RunReport) === 'stop') stopping.abort();
  }
  const code = await ended;
  if (!stopping.signal.aborted && code !== 0) {
    throw new Error(`a process of the campaign ended with ${code}`);
  }
}
