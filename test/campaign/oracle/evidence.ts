import { type Hearing, isTrue, type Said } from '../answers.ts';
import type { Fault } from '../faults.ts';

/** What the end of somebody's access is judged by. */
export interface Case {
  /** The directory id of whoever lost access. */
  readonly id: string;
  readonly reason: string;
  /** The hearing of the run that decided. */
  readonly own: Hearing;
  /** All hearings of the company, oldest first. */
  readonly hearings: readonly Hearing[];
  /** Rows of the last listing that counted before, or whose size a person has accepted. */
  readonly lastRows: number | null;
  /** Where in the order of events the person's last sign-in was stored; null: none. */
  readonly signedInOrder: number | null;
  readonly confirmAfterMs: number;
  /** How often somebody must be missing where nobody can be asked; null: they can. */
  readonly misses: { readonly needed: number; readonly apartMs: number } | null;
  /** How the person truly stood when the listing began. */
  readonly truth: string;
  /** Hearings before this one whose listings counted, oldest first. */
  readonly counted: readonly Hearing[];
}

/** `lie`: it rested on answers that were false, and that no outsider could have told from true ones. */
export type Verdict =
  | { readonly kind: 'evidence' }
  | { readonly kind: 'lie'; readonly faults: readonly string[] }
  | { readonly kind: 'wrong'; readonly because: string };

/** Why a listing does not prove that it names everybody, or null. Written from the rules, not the code. */
export function doubtOf(hearing: Hearing, lastRows: number | null): string | null {
  const { rows, fingerprints, totals, ended } = hearing;
  if (rows.length === 0) return 'it has no rows';
  if (!ended) return 'its last page never came';
  if (new Set(rows.map(({ id }) => id)).size !== rows.length) return 'it names somebody twice';
  const total = totals.findLast((one) => one !== null) ?? null;
  if (total !== null && total !== rows.length) return `it has ${rows.length} rows of ${total}`;
  if (fingerprints.length !== 2 || fingerprints[0] !== fingerprints[1]) return 'its scope moved';
  if (lastRows === null) return null;
  const lost = lastRows - rows.length;
  if (lost <= lastRows / 10 || lost <= 1) return null;
  return lost <= 3 && lost < Math.floor(lastRows / 2) ? null : `it has lost ${lost} of ${lastRows}`;
}

/** Whether the directory said enough for somebody to lose access, and whether it was true. */
export function judgeRemoval(one: Case): Verdict {
  const { own, id } = one;
  const doubt = doubtOf(own, one.lastRows);
  if (doubt !== null) return wrong(`the listing proves nothing: ${doubt}`);
  const row = own.rows.find((said) => said.id === id);
  const lookUp = own.lookUps.find((said) => said.id === id);
  if (one.reason === 'absent_repeatedly') return judgeMisses(one, row);
  const signedInSince = one.signedInOrder !== null && one.signedInOrder > own.begunOrder;
  if (signedInSince && (lookUp === undefined || lookUp.order < (one.signedInOrder ?? 0))) {
    return wrong('the sign-in is newer than all evidence');
  }
  if (one.reason === 'absent') return judgeAbsence(one, row, lookUp, signedInSince);
  const said = !signedInSince && row?.standing === one.reason ? row : lookUp;
  if (said?.standing !== one.reason) {
    return wrong(`nobody called them ${one.reason}, but ${said?.standing ?? 'nothing'}`);
  }
  return isTrue(said) ? { kind: 'evidence' } : lie(one, [own]);
}

/** Where nobody can be asked: missing again and again, and no sign-in since. */
function judgeMisses(one: Case, row: Said | undefined): Verdict {
  if (one.misses === null) return wrong('a look-up could have been asked for');
  if (row !== undefined) return wrong(`the listing names them as ${row.standing}`);
  const since = one.signedInOrder ?? 0;
  const all = [...one.counted, one.own].filter(({ begunOrder }) => begunOrder > since);
  const named = all.findLastIndex(({ rows }) => rows.some(({ id }) => id === one.id));
  const times = all.slice(named + 1).map(({ begunAt }) => begunAt);
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const at of times.sort((a, b) => a - b)) {
    // A tenth less is allowed: what is written each night is never written to the second.
    if (at - last < one.misses.apartMs * 0.9 - 1_000) continue;
    count += 1;
    last = at;
  }
  if (count < one.misses.needed) return wrong(`missing ${count} times of ${one.misses.needed}`);
  return one.truth === 'present' ? lie(one, [one.own]) : { kind: 'evidence' };
}

function judgeAbsence(
  one: Case,
  row: Said | undefined,
  second: Said | undefined,
  signedInSince: boolean,
): Verdict {
  const { own, id } = one;
  if (row !== undefined && (row.standing === 'present' || !signedInSince)) {
    return wrong(`the listing names them as ${row.standing}`);
  }
  if (second?.standing !== 'absent')
    return wrong(`the look-up said ${second?.standing ?? 'nothing'}`);
  if (!isCanaryAround(own, second)) return wrong('no canary was found around the look-up');
  const good = one.hearings.flatMap((hearing) => {
    if (hearing === own || hearing.begunOrder > own.begunOrder) return [];
    const first = hearing.lookUps.find((said) => said.id === id && said.standing === 'absent');
    if (first === undefined || !isCanaryAround(hearing, first)) return [];
    // Answers are dated when they come, and each look at the clock takes a millisecond.
    if (second.at - first.at < one.confirmAfterMs - 1_000) return [];
    return isContradicted(one, first, second) ? [] : [{ hearing, first }];
  });
  if (good.length === 0) return wrong('there was no first look-up that counts');
  if (isTrue(second)) return { kind: 'evidence' };
  const honest = good.some(({ first }) => isTrue(first));
  return lie(one, honest ? [own] : [own, ...good.map(({ hearing }) => hearing).slice(-1)]);
}

/** Between two look-ups somebody was seen after all. */
function isContradicted({ hearings, own, id }: Case, first: Said, second: Said): boolean {
  return hearings.some((hearing) =>
    [...(hearing === own ? [] : hearing.rows), ...hearing.lookUps].some(
      (said) =>
        said.id === id &&
        said.order > first.order &&
        said.order < second.order &&
        ['present', 'disabled', 'unassigned'].includes(said.standing),
    ),
  );
}

/** Somebody whom the listing calls present was found before a look-up and after it. */
function isCanaryAround({ rows, lookUps }: Hearing, lookUp: Said): boolean {
  const present = new Set(rows.filter((said) => said.standing === 'present').map(({ id }) => id));
  const found = lookUps.filter((said) => said.standing === 'present' && present.has(said.id));
  return (
    found.some((said) => said.order < lookUp.order) &&
    found.some((said) => said.order > lookUp.order)
  );
}

/** False answers mislead only where listing and look-ups agree in them. */
function lie(one: Case, hearings: readonly Hearing[]): Verdict {
  const faults = new Set<string>();
  for (const hearing of hearings) {
    const able = hearing.faults.filter((fault) => misleads(fault, one.reason, one.confirmAfterMs));
    if (able.length === 0) {
      const kinds = hearing.faults.map(({ kind }) => kind).join(', ') || 'no fault';
      return wrong(`a false answer under ${kinds} was believed`);
    }
    for (const fault of able) faults.add(fault.kind);
  }
  return { kind: 'lie', faults: [...faults] };
}

/** Whether listing and look-ups of one sweep agree in what a fault makes of somebody. */
export function misleads(fault: Fault, reason: string, confirmAfterMs: number): boolean {
  // Where nobody can be asked, a listing is all there is: what leaves somebody out without a trace, misleads.
  if (reason === 'absent_repeatedly') return UNTRACEABLE.has(fault.kind);
  switch (fault.kind) {
    case 'falsely_disabled':
      return reason === 'disabled';
    case 'falsely_gone':
    case 'wrong_tenant':
      return reason === 'absent';
    case 'partial_permission':
      return reason === 'absent' && fault.lookUps === 404;
    case 'stale':
      return reason !== 'absent' || fault.lagMs >= confirmAfterMs;
    case 'groups_empty':
      return reason === 'groups_changed';
    default:
      return false;
  }
}

const UNTRACEABLE: ReadonlySet<Fault['kind']> = new Set([
  'truncated',
  'shifted',
  'partial_permission',
  'falsely_gone',
  'wrong_tenant',
  'stale',
]);

function wrong(because: string): Verdict {
  return { kind: 'wrong', because };
}
