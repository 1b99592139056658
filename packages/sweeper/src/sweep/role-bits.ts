import type { SweepPolicy } from '../reconcile/policy.ts';

/**
 * Sets of roles as Postgres compares and joins them fastest: a bit for each role that the
 * rules can give, in the order of {@link RoleBits.names}, and a last one for every other.
 */
export interface RoleBits {
  readonly names: readonly string[];
  /** The bit of each name, and of every other role behind them. */
  readonly each: readonly string[];
  /** No role at all. */
  readonly none: string;
  of(roles: readonly string[]): string;
}

/** The bits of a policy: they mean something only to the run that works by it. */
export function roleBits({ roles }: SweepPolicy): RoleBits {
  const given = roles.rules.map((rule) => rule.role);
  const all = roles.defaultRole === null ? given : [...given, roles.defaultRole];
  const names = [...new Set(all)].sort();
  const places = new Map(names.map((name, place) => [name, place]));
  const write = (set: ReadonlySet<number>): string =>
    Array.from({ length: names.length + 1 }, (_, place) => (set.has(place) ? '1' : '0')).join('');
  const known = new WeakMap<readonly string[], string>();
  return {
    names,
    each: [...names, null].map((_, place) => write(new Set([place]))),
    none: write(new Set()),
    of: (roles) => {
      const remembered = known.get(roles);
      if (remembered !== undefined) return remembered;
      const bits = write(new Set(roles.map((role) => places.get(role) ?? names.length)));
      known.set(roles, bits);
      return bits;
    },
  };
}
