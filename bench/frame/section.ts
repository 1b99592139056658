import type { HeatResult } from './entry.ts';
import { figure, spread } from './figures.ts';
import type { Machine } from './machine.ts';
import { renderTable, type Table } from './table.ts';

/** All that one run of an entry has to tell. */
export interface Report {
  readonly name: string;
  readonly compares: string;
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Of this project; empty outside a working copy. */
  readonly revision: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly HeatResult[];
  readonly observations: readonly Table[];
  readonly conclusions: readonly string[];
  /** Something came out that must never come out. */
  readonly failed: boolean;
}

/** Writes the section of one entry, heading included. */
export function renderSection(report: Report): string {
  const { name, compares, results, observations, conclusions } = report;
  const paragraphs = [
    `## ${name}`,
    compares,
    ...conclusions,
    ...results.map(renderHeat),
    ...observations.map(renderObservation),
    renderOrigin(report),
  ];
  return paragraphs.join('\n\n');
}

function renderHeat({ heat, contestants }: HeatResult): string {
  const rounds = contestants[0]?.ms.count ?? 0;
  const ratio = heat.ratio === 'rate' ? 'rate to the peer' : 'cost to the peer';
  const head = ['contestant', 'ms each', 'middle half', 'a second', 'CPU ms', ratio, 'middle half'];
  const rows = contestants.map(({ name, ms, cpu, ratio }) => [
    name === heat.peer ? `${name} (peer)` : name,
    figure(ms.median),
    spread(ms),
    figure(1000 / ms.median),
    figure(cpu.median),
    `${figure(ratio.median)} ×`,
    spread(ratio),
  ]);
  const lanes = heat.inFlight === 1 ? 'one after another' : `${heat.inFlight} at a time`;
  const about = `${heat.about} Rounds: ${rounds}, ${lanes} within each.`;
  return [`### ${heat.name}`, about, renderTable({ head, rows })].join('\n\n');
}

function renderObservation(table: Table): string {
  const parts = [`### ${table.title}`, table.about, renderTable(table)];
  return parts.filter((part) => part !== '').join('\n\n');
}

function renderOrigin({ command, date, revision, machine, versions }: Report): string {
  const { cores, cpu, memoryGib, system, node, load } = machine;
  const parts = Object.entries(versions).map(([part, version]) => `${part} ${version}`);
  const of = revision === '' ? '' : ` at ${revision}`;
  return (
    `Made by \`${command}\` on ${date}${of}. ` +
    `${cores} cores of ${cpu}, ${figure(memoryGib)} GiB, ${system}, Node ${node}; ` +
    `load before the run ${load.toFixed(2)}. ${parts.join(', ')}.`
  );
}
