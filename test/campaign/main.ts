import { readOptions, USAGE } from './command-line.ts';
import { type RunReport, runInProcesses } from './processes.ts';
import { Totals, tellFailure, tellTotals } from './report.ts';
import { openCampaignServer } from './server.ts';

const options = readOptions(process.argv.slice(2));
if (options === null) {
  console.error(USAGE);
  process.exitCode = 1;
} else {
  const server = await openCampaignServer();
  try {
    const totals = new Totals();
    const { seeds, processes, broken } = options;
    const alone = seeds.length === 1;
    const onRun = (run: RunReport): 'stop' | undefined => {
      totals.add(run);
      if (alone) console.log(run.history.join('\n'));
      if (run.violations.length === 0) return undefined;
      console.log(tellFailure(run, { withHistory: !alone, broken }));
      // What is broken on purpose is found once.
      return broken === null ? undefined : 'stop';
    };
    await runInProcesses({ server, seeds, processes, broken, onRun });
    console.log(tellTotals(totals));
    if (totals.failed > 0) process.exitCode = 1;
  } finally {
    await server.close();
  }
}
