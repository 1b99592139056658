/** Who has approved something, as far as the place where it was said could tell. */
export interface Approver {
  /** As the person gave it. */
  readonly name: string;
  /** The account of the operating system; null where it did not come by one. */
  readonly account: string | null;
}

/** What nobody sees: zero-width characters, controls, marks of direction, and the like. */
const INVISIBLE = /[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * A name as approvers are told apart by: neither case nor spaces make two people of one,
 * nor characters that nobody sees.
 */
export function approverKey(name: string): string {
  const seen = name.normalize('NFKC').replace(/\s+/gu, ' ').replace(INVISIBLE, '');
  // Through capitals first: some letters have two small forms, or a capital of two letters.
  return seen.toUpperCase().toLowerCase().normalize('NFKC').replace(/ +/g, ' ').trim();
}

/**
 * How many people these are. The same name counts once; and of one account of the operating
 * system, whoever has given no other name is taken for one of those who have: whoever
 * approves first as `root` and then says who they are is still one person.
 */
export function countApprovers(approvers: readonly Approver[]): number {
  const [named, unnamed] = [approvers.filter(isNamed), approvers.filter((one) => !isNamed(one))];
  const keys = new Set(named.map(({ name }) => approverKey(name)));
  const accounts = new Set(named.map(({ account }) => approverKey(account ?? '')));
  const others = new Set(
    unnamed
      .map(({ name }) => approverKey(name))
      .filter((key) => !keys.has(key) && !accounts.has(key)),
  );
  return keys.size + others.size;
}

/** Whether a name was given that is not just the account's. */
function isNamed({ name, account }: Approver): boolean {
  return account === null || approverKey(name) !== approverKey(account);
}
