import type { ReplayMemory } from '@rollcall/jit-auth/saml/replay-memory';

/**
 * A replay memory inside the process, to set verification beside node-saml with
 * its cache in memory. Nothing expires: a run is shorter than any assertion.
 */
export function processReplayMemory(): ReplayMemory {
  const entries = new Map<string, string>();
  const keyOf = (space: string, key: string) => `${space} ${key}`;
  return {
    put: async (space, key, value) => {
      if (entries.has(keyOf(space, key))) return false;
      entries.set(keyOf(space, key), value);
      return true;
    },
    take: async (space, key) => {
      const value = entries.get(keyOf(space, key)) ?? null;
      entries.delete(keyOf(space, key));
      return value;
    },
  };
}
