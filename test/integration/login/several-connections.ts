import type { StackOptions } from '../../support/stack.ts';

/** Three connections: one of Acme's, one of Globex', and one without domains whose provider is away. */
export function severalConnections(login?: object): StackOptions {
  return {
    more: (config) => {
      const [demo] = config.connections as Record<string, unknown>[];
      const { sweep: _, directory: __, ...plain } = demo ?? {};
      config.connections = [
        { ...demo, label: 'Acme <staff>', domains: ['acme.example', 'xn--bcher-kva.example'] },
        { ...plain, id: 'globex', domains: ['globex.example'] },
        { ...plain, id: 'away', idp: { metadata_url: 'http://127.0.0.1:1/metadata' } },
      ];
      if (login !== undefined) config.login = login;
    },
  };
}
