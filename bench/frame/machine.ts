import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

/** What the numbers depend on. Nothing that names the machine or a place on it. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  /** Programs that wanted a core in the last minute: more than a few tenths before a run is noise in it. */
  readonly load: number;
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGib: totalmem() / 2 ** 30,
    system: `${platform()} ${arch()}`,
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  };
}
