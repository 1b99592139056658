/** As the global `fetch`, for those of its options that directories are asked with. */
export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

const NAMES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const;
/** What is on this machine is asked directly, whatever the environment says. */
const HERE = 'localhost,127.0.0.1,::1';

/**
 * The `fetch` for an environment: through the proxy that `HTTPS_PROXY` or `HTTP_PROXY`
 * name, but for the hosts of `NO_PROXY` and this machine; the global one where there is
 * no proxy. The certificate of the directory is checked through the proxy as without it.
 */
export function fetchOf(env: Readonly<Record<string, string | undefined>>): Fetch {
  if (NAMES.every((name) => (env[name] ?? '') === '')) return fetch;
  const noProxy = [env.no_proxy ?? env.NO_PROXY ?? '', HERE].filter((part) => part !== '');
  let opened: Promise<Fetch> | null = null;
  return async (url, init) => {
    opened ??= openProxied(env, noProxy.join(','));
    return (await opened)(url, init);
  };
}

async function openProxied(
  env: Readonly<Record<string, string | undefined>>,
  noProxy: string,
): Promise<Fetch> {
  const undici = await import('undici');
  const httpProxy = env.http_proxy ?? env.HTTP_PROXY;
  const httpsProxy = env.https_proxy ?? env.HTTPS_PROXY;
  const dispatcher = new undici.EnvHttpProxyAgent({
    noProxy,
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
  });
  // The same standard in two places: its types differ by name only.
  return (url, init) =>
    undici.fetch(url, {
      ...(init as Parameters<typeof undici.fetch>[1]),
      dispatcher,
    }) as unknown as Promise<Response>;
}
