import { AppError } from '@rollcall/shared/core/errors';
import { noConfiguration } from '../configuration.ts';

/** The two packages that only a checkout has. */
export interface DemoParts {
  readonly startDemoIdp: typeof import('@rollcall/demo-idp/main').startDemoIdp;
  readonly createSigningKey: typeof import('@rollcall/demo-idp/signing-key').createSigningKey;
  readonly demoApp: typeof import('@rollcall/demo-app').demoApp;
}

/**
 * Loads the demo. Where Rollcall is installed without it, a configuration has to
 * be named: throws `cli.no_configuration`.
 */
export async function loadDemoParts(workingDirectory: string): Promise<DemoParts> {
  try {
    const [idp, keys, app] = await Promise.all([
      import('@rollcall/demo-idp/main'),
      import('@rollcall/demo-idp/signing-key'),
      import('@rollcall/demo-app'),
    ]);
    const { createSigningKey } = keys;
    return { startDemoIdp: idp.startDemoIdp, createSigningKey, demoApp: app.demoApp };
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    const { code, message } = noConfiguration(workingDirectory);
    throw new AppError(code, message, { cause });
  }
}

/** The demo itself is not there; a part that the demo lacks is another matter. */
function isAbsent(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes('@rollcall/demo-')
  );
}
