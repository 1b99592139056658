import { type App, send } from './app.ts';

/** One answer to a request of the stream. Times are milliseconds of `performance.now()`. */
export interface Answered {
  readonly who: string;
  readonly begun: number;
  readonly ended: number;
  readonly status: number;
}

/** A stream of requests that goes on until it is stopped. */
export interface Traffic {
  readonly answers: readonly Answered[];
  /** The answers of one person to requests that were begun after a moment. */
  since(who: string, moment: number): readonly Answered[];
  stop(): Promise<void>;
}

/** Every person asks every instance for a guarded page, again and again, two at a time. */
export function startTraffic(
  apps: readonly App[],
  people: Readonly<Record<string, string>>,
): Traffic {
  const answers: Answered[] = [];
  let running = true;
  const lane = async (app: App, who: string, cookie: string): Promise<void> => {
    while (running) {
      const begun = performance.now();
      const { status } = await send(`${app.url}/guarded`, { cookie });
      answers.push({ who, begun, ended: performance.now(), status });
      // An answer at once, as while a store is away, must not starve everything else.
      await new Promise((done) => setTimeout(done, 2));
    }
  };
  const lanes = apps.flatMap((app) =>
    Object.entries(people).flatMap(([who, cookie]) => [
      lane(app, who, cookie),
      lane(app, who, cookie),
    ]),
  );
  const all = Promise.all(lanes);
  // A test that fails closes its app; the first failure is the one to be read.
  all.catch(() => undefined);
  return {
    answers,
    since: (who, moment) => answers.filter((one) => one.who === who && one.begun > moment),
    stop: async () => {
      running = false;
      await all;
    },
  };
}
