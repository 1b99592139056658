import type { EpochMs } from '@rollcall/shared/core/time';
import type { PersonsWord } from '@rollcall/sweeper/plan/plan-head';
import type { PlanLineView, PlanView } from '@rollcall/sweeper/plan/read';
import { shortDigest } from '../queries/plan-named.ts';
import type { ListingFacts } from '../queries/sweep-run.ts';
import type { Colors } from '../terminal.ts';
import { sayOutcome } from './line-outcome.ts';
import { printable } from './printable.ts';
import { type Cell, renderTable } from './table.ts';
import { sayDuration, sayWhen } from './when.ts';

/** A plan and the listing that it rests on. */
export interface ShownPlan {
  readonly plan: PlanView;
  readonly listing: ListingFacts;
  /** How many lines do what, over the whole plan. */
  readonly tally: PlanTally;
  /** The digest of the plan in which exactly the same waits already; null where none does. */
  readonly waitsIn: string | null;
  /** Whether only some of the lines were asked for. */
  readonly chosen: boolean;
}

/** How many lines of a plan do what. */
export type PlanTally = Readonly<Record<PlanLineView['decision'], number>>;

/** A plan for people, like a diff: what it rests on, one line each, the summary last. */
export function renderPlan(shown: ShownPlan, now: EpochMs, colors: Colors): string {
  const { plan, listing } = shown;
  const lines = plan.lines.map((line) => lineCells(line, colors));
  const changes =
    lines.length > 0
      ? ['', ...indent(renderTable(lines))]
      : shown.chosen
        ? ['', '  No line of this plan is of that kind.']
        : [];
  const more =
    plan.next === null
      ? []
      : [
          '',
          `  More: rollcall sweep show ${shortDigest(plan.digest)} --after ${plan.next}${shown.chosen ? ', with the same filters' : ''}`,
        ];
  return [
    renderTable([
      ['Directory', sayListing(listing)],
      ['Local', `${count(plan.population, 'user', 'users')} with access by ${plan.connectionId}`],
    ]),
    ...changes,
    ...more,
    '',
    summaryLine(shown, colors),
    ...nextSteps(shown, now, colors),
  ].join('\n');
}

/** What a listing was found to be, in words. */
export function sayListing(listing: ListingFacts): string {
  if (listing.snapshot === null) return 'not listed';
  if (listing.snapshot === 'complete' && listing.rows === null) return 'none: silence alone counts';
  const pages = listing.pages === null ? '' : ` (${count(listing.pages, 'page', 'pages')})`;
  return `${count(listing.rows ?? 0, 'person', 'people')} listed, ${listing.snapshot}${pages}`;
}

const SIGNS = {
  deactivate: '-',
  contain: '-',
  release: '+',
  change_roles: '~',
  suspect: '?',
  restore: '+',
  refuse: '!',
} as const;

const NAMES = {
  deactivate: 'deactivate',
  contain: 'contain',
  release: 'release',
  change_roles: 'roles',
  suspect: 'suspect',
  restore: 'restore',
  refuse: 'skipped',
} as const;

function lineCells(line: PlanLineView, colors: Colors): (Cell | string)[] {
  const paint = paintOf(line.decision, colors);
  return [
    { text: SIGNS[line.decision], paint },
    { text: line.label, paint },
    NAMES[line.decision],
    [sayRoles(line), line.sentence].filter((part) => part !== '').join('  '),
    sayEffect(line),
  ];
}

function paintOf(decision: PlanLineView['decision'], colors: Colors): (text: string) => string {
  if (decision === 'restore' || decision === 'release') return colors.green;
  if (decision === 'deactivate' || decision === 'contain') return colors.red;
  return decision === 'refuse' ? colors.dim : colors.yellow;
}

function sayRoles({ decision, gain, lose }: PlanLineView): string {
  if (decision !== 'change_roles') return '';
  return [...lose.map((role) => `-${role}`), ...gain.map((role) => `+${role}`)].join(' ');
}

function sayEffect(line: PlanLineView): string {
  const { decision, sessions, outcome, outcomeWhy, undo, undoWhy } = line;
  if (undo === 'undone') return 'taken back';
  if (undo === 'skipped') return `applied, not taken back: ${sayOutcome(undoWhy)}`;
  if (outcome === 'applied') return 'applied';
  if (outcome === 'skipped' && decision !== 'refuse') {
    return outcomeWhy === 'waits_in_earlier_plan'
      ? sayOutcome(outcomeWhy)
      : `skipped: ${sayOutcome(outcomeWhy)}`;
  }
  if (sessions === 0) return '';
  if (decision === 'contain') {
    return sessions === 1 ? '1 session needs a fresh sign-in' : `${sessions} sessions need one`;
  }
  return sessions === 1 ? '1 session ends' : `${sessions} sessions end`;
}

function summaryLine({ plan, listing, tally }: ShownPlan, colors: Colors): string {
  const parts = [
    [tally.deactivate, 'to deactivate'],
    [tally.contain, 'to contain'],
    [tally.release, 'to release'],
    [tally.change_roles, 'to change'],
    [tally.suspect, 'to suspect'],
    [tally.restore, 'to restore'],
    [tally.refuse, 'skipped'],
  ] as const;
  const said = parts
    .filter(([number]) => number > 0)
    .map(([number, what]) => `${say(number)} ${what}`);
  if (said.length === 0)
    return listing.snapshot === 'complete' && listing.rows === null
      ? 'No changes: nobody with access has been silent for too long.'
      : 'No changes: everybody with access is in the directory, with the same roles.';
  const name = colors.bold(`Plan ${shortDigest(plan.digest)}`);
  return `${name} (${plan.state}): ${said.join(', ')}`;
}

/** What can be done with a plan that waits, and what was done with it. */
function nextSteps({ plan, waitsIn }: ShownPlan, now: EpochMs, colors: Colors): string[] {
  if (waitsIn !== null) {
    const earlier = shortDigest(waitsIn);
    return [`The same was waiting already, in plan ${earlier}: rollcall sweep show ${earlier}`];
  }

  const approvals = plan.approvals.map((approval) =>
    printable(
      `Approved by ${approval.approver} ${sayWhen(approval.at, now)}, for ${count(approval.people, 'person', 'people')}: ${approval.reason}`,
    ),
  );
  if (plan.state !== 'pending' && plan.state !== 'held') {
    return [...approvals, ...sayEnd(plan, now)];
  }
  const name = shortDigest(plan.digest);
  if (plan.expiresAt <= now)
    return [...approvals, `It has expired: rollcall sweep plan ${plan.connectionId}`];
  const left = sayDuration(plan.expiresAt - now);
  if (plan.state === 'held') {
    return [
      ...plan.heldWhy.map((why) => `${colors.red('HELD')}  ${printable(why.explanation)}`),
      ...(plan.contained === 0
        ? []
        : [
            `${plan.contained} of ${plan.people} ${plan.contained === 1 ? 'needs' : 'need'} a fresh sign-in meanwhile`,
          ]),
      ...approvals,
      ...sayApprovals(plan),
      plan.approvedAt !== null
        ? `Apply within ${left}: rollcall sweep apply ${name}`
        : `Approve and apply this plan only, within ${left}:\n  rollcall sweep apply ${name} --approve ${plan.people} --reason "…"`,
      `Say no to it:\n  rollcall sweep reject ${name} --reason "…"`,
    ];
  }
  return [...approvals, `Apply within ${left}: rollcall sweep apply ${name}`];
}

/** Who ended it, and what is to be done where nobody did. */
function sayEnd(plan: PlanView, now: EpochMs): string[] {
  const { state, rejection, undoing, connectionId } = plan;
  if (state === 'superseded' || state === 'expired') {
    const what = state === 'expired' ? 'It has expired' : 'A later sweep has decided anew';
    return [`${what}: rollcall sweep plan ${connectionId}`];
  }
  const words = [
    ['Rejected', rejection],
    ['Taken back', undoing],
  ] as const;
  return words.flatMap(([what, word]) =>
    word === null
      ? []
      : [printable(`${what} by ${word.by} ${sayWhen(word.at, now)}: ${word.reason}`)],
  );
}

/** Where one person is not enough: how many have approved. */
function sayApprovals({ approvalsGiven, approvalsNeeded }: PlanView): string[] {
  if (approvalsNeeded < 2) return [];
  const missing =
    approvalsGiven === 0
      ? 'it takes two people'
      : approvalsGiven < approvalsNeeded
        ? 'another person is missing'
        : 'nobody is missing';
  return [
    `${Math.min(approvalsGiven, approvalsNeeded)} of ${approvalsNeeded} approvals: ${missing}`,
  ];
}

/** How far a plan is approved, for programs. */
export function approvalToJson(plan: PlanView): Record<string, unknown> {
  return {
    needed: plan.approvalsNeeded,
    given: plan.approvalsGiven,
    complete: plan.approvedAt !== null,
    until: iso(plan.expiresAt),
  };
}

/** A plan for programs. */
export function planToJson({ plan, listing, tally, waitsIn }: ShownPlan): Record<string, unknown> {
  return {
    run: plan.runId,
    connection: plan.connectionId,
    digest: plan.digest,
    state: plan.state,
    plan_only_because: plan.planOnlyBecause,
    listing: { kind: listing.snapshot, rows: listing.rows, pages: listing.pages },
    population: plan.population,
    people: plan.people,
    tally,
    held_why: plan.heldWhy,
    held_since: plan.heldSince === null ? null : iso(plan.heldSince),
    contained: plan.contained,
    waits_in: waitsIn,
    rejection: wordToJson(plan.rejection),
    undo: wordToJson(plan.undoing),
    approval: approvalToJson(plan),
    approvals: plan.approvals.map((approval) => ({ ...approval, at: iso(approval.at) })),
    created_at: iso(plan.createdAt),
    expires_at: iso(plan.expiresAt),
    lines: plan.lines.map(({ userId, outcomeWhy, undoWhy, ...line }) => ({
      ...line,
      user: userId,
      outcome_why: outcomeWhy,
      undo_why: undoWhy,
    })),
    next: plan.next,
  };
}

function wordToJson(word: PersonsWord | null): Record<string, unknown> | null {
  return word === null ? null : { by: word.by, reason: word.reason, at: iso(word.at) };
}

function iso(at: EpochMs): string {
  return new Date(at).toISOString();
}

function say(number: number): string {
  return number.toLocaleString('en-US');
}

function count(number: number, one: string, many: string): string {
  return `${say(number)} ${number === 1 ? one : many}`;
}

function indent(block: string): string[] {
  return block.split('\n').map((line) => `  ${line}`);
}
