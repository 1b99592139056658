/** Waiting for somebody to stop the service. */
export interface StopRequest {
  /** Resolves at the first SIGINT, SIGTERM or SIGHUP, with its name. */
  readonly asked: Promise<NodeJS.Signals>;
  /** Gives the signals back to Node. */
  release(): void;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const NUMBERS: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGTERM: 15,
};
/** Terminals and npm both pass Ctrl-C on: two within this time are one, in milliseconds. */
const SAME_KEYSTROKE_MS = 500;

/**
 * Listens for signals: the first asks to stop, a second one ends the process at
 * once.
 *
 * @param onForce told just before the process ends.
 */
export function listenForStop(onForce: () => void): StopRequest {
  let since: number | null = null;
  let ask: (signal: NodeJS.Signals) => void = () => undefined;
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    ask = resolve;
  });
  const receive = (signal: NodeJS.Signals): void => {
    if (since === null) {
      since = performance.now();
      ask(signal);
    } else if (performance.now() - since > SAME_KEYSTROKE_MS) {
      onForce();
      process.exit(128 + (NUMBERS[signal] ?? 0));
    }
  };
  for (const signal of SIGNALS) process.on(signal, receive);
  return {
    asked,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, receive);
    },
  };
}
