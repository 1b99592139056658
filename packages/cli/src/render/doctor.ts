import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { RefusalNote } from '@rollcall/shared/db/sign-in-refusals';
import type { Finding, Section, Verdict } from '../doctor/finding.ts';
import type { Colors } from '../terminal.ts';
import { printable } from './printable.ts';
import { toIso } from './when.ts';

/** An examination for people. */
export function renderDoctor(
  file: string,
  publicUrl: string,
  sections: readonly Section[],
  colors: Colors,
): string {
  const width = Math.max(
    0,
    ...sections.flatMap(({ findings }) => findings.map(({ check }) => check.length)),
  );
  const blocks = sections.map(({ connection, findings }) => {
    const head =
      connection === null
        ? `${colors.bold(printable(file))}  ${publicUrl}`
        : colors.bold(connection);
    return [head, ...findings.flatMap((finding) => linesOf(finding, width, colors))].join('\n');
  });
  return [...blocks, sumUp(sections, colors)].join('\n\n');
}

function linesOf(
  { check, verdict, message, code, cure }: Finding,
  width: number,
  c: Colors,
): string[] {
  const line = `  ${markOf(verdict, c)} ${check.padEnd(width)}  ${printable(message)}`;
  const shownCode = code === null || message.startsWith(code) ? '' : ` ${c.dim(`(${code})`)}`;
  const indent = ' '.repeat(width + 6);
  return [`${line}${shownCode}`, ...(cure === null ? [] : [`${indent}→ ${printable(cure)}`])];
}

function markOf(verdict: Verdict, colors: Colors): string {
  switch (verdict) {
    case 'ok':
      return colors.green('✓');
    case 'warning':
      return colors.yellow('!');
    case 'fault':
      return colors.red('✗');
    default:
      return verdict satisfies never;
  }
}

function sumUp(sections: readonly Section[], colors: Colors): string {
  const [faults, warnings] = [count(sections, 'fault'), count(sections, 'warning')];
  if (faults + warnings === 0) return colors.green('All is well.');
  const said = [plural(faults, 'fault'), plural(warnings, 'warning')].join(', ');
  return faults > 0 ? colors.red(said) : colors.yellow(said);
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** How many findings have this verdict. */
export function count(sections: readonly Section[], verdict: Verdict): number {
  return sections.flatMap(({ findings }) => findings.filter((one) => one.verdict === verdict))
    .length;
}

/** An examination for programs. */
export function doctorToJson(file: string, sections: readonly Section[]): Record<string, unknown> {
  const findings = sections.flatMap(({ connection, findings }) =>
    findings.map((finding) => ({ connection, ...finding })),
  );
  const [faults, warnings] = [count(sections, 'fault'), count(sections, 'warning')];
  return { ok: faults === 0, file, faults, warnings, findings };
}

/** A refusal that a person named by its reference. */
export type NamedRefusal = RefusalNote & {
  readonly connectionId: ConnectionId;
  readonly code: string;
};

/** One refusal for people. */
export function renderRefusal(refusal: NamedRefusal, cure: string | null, colors: Colors): string {
  const { reference, connectionId, code, at, expected, received } = refusal;
  const lines = [
    `${colors.bold(reference)}  ${connectionId}  ${toIso(at)}`,
    `  refused   ${code}`,
    `  expected  ${printable(expected ?? '-')}`,
    `  received  ${printable(received ?? '-')}`,
  ];
  return [...lines, ...(cure === null ? [] : [`  → ${printable(cure)}`])].join('\n');
}

/** One refusal for programs. */
export function refusalToJson(refusal: NamedRefusal, cure: string | null): Record<string, unknown> {
  const { reference, connectionId: connection, code, at, expected, received } = refusal;
  return { reference, connection, code, at: toIso(at), expected, received, cure };
}
