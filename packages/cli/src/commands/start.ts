import { type Service, startService } from '../compose/service.ts';
import type { ServiceRole } from '../compose/service-role.ts';
import { listenForStop } from '../compose/signals.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { renderStarted, renderStory } from '../render/story.ts';

export interface StartOptions {
  readonly role: ServiceRole;
  readonly port?: number;
}

export async function start(options: StartOptions, invocation: Invocation): Promise<ExitCode> {
  const { terminal, json } = invocation;
  const stop = listenForStop(() => terminal.complain('Stopped without waiting.'));
  const progress = (line: string): void => {
    if (!json) terminal.complain(terminal.complaintColors.dim(`${line} …`));
  };
  try {
    const service = await startService({
      ...invocation,
      role: options.role,
      port: options.port ?? null,
      onProgress: progress,
    });
    return await runUntilStopped(service, stop.asked, invocation);
  } finally {
    stop.release();
  }
}

async function runUntilStopped(
  service: Service,
  asked: Promise<NodeJS.Signals>,
  invocation: Invocation,
): Promise<ExitCode> {
  const crash = listenForCrash();
  try {
    announce(service, invocation);
    const end = await Promise.race([asked, crash.happened]);
    if (typeof end === 'object') {
      service.log.fatal({ event: 'service.crashed', err: end.error });
      throw end.error;
    }
    service.log.info({ event: 'service.stopping', signal: end });
    if (service.demo !== null && !invocation.json) invocation.terminal.print('Stopping …');
    return EXIT.ok;
  } finally {
    await service.stop();
    crash.release();
  }
}

/** Says that the service is ready, in the form that was asked for. */
function announce(service: Service, { json, terminal }: Invocation): void {
  const { config, listens, demo, role, logFile } = service;
  if (json) {
    const idp = demo?.idpUrl ?? null;
    const url = listens === null ? null : config.publicUrl;
    terminal.printJson({ ready: true, role, url, listens, idp, log: logFile });
  } else if (demo !== null) {
    terminal.print(renderStory(service, terminal.colors));
  } else {
    terminal.complain(renderStarted(service, terminal.complaintColors));
  }
}

/** An error that nobody awaited: what follows it cannot be trusted, so the service stops. */
function listenForCrash(): { happened: Promise<{ error: unknown }>; release(): void } {
  let tell: (crash: { error: unknown }) => void = () => undefined;
  const happened = new Promise<{ error: unknown }>((resolve) => {
    tell = resolve;
  });
  const receive = (error: unknown): void => tell({ error });
  process.on('uncaughtException', receive);
  process.on('unhandledRejection', receive);
  return {
    happened,
    release: () => {
      process.off('uncaughtException', receive);
      process.off('unhandledRejection', receive);
    },
  };
}
