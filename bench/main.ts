import { join } from 'node:path';
import { readCommandLine } from './frame/command-line.ts';
import { writeSection } from './frame/results-file.ts';
import { runEntry } from './frame/run-entry.ts';
import { renderSection } from './frame/section.ts';
import { ENTRIES } from './registry.ts';

const RESULTS = join(import.meta.dirname, 'RESULTS.md');
const wish = readCommandLine(
  process.argv.slice(2),
  ENTRIES.map((entry) => entry.name),
);

if (wish.kind === 'help') {
  console.log(
    'npm run bench [-- NAME… [--quick] [--sizes=10k,100k,1m] [--seeds=1-10000] [--processes=2]]',
  );
  console.log('Measures, and writes bench/RESULTS.md; --quick only shows that it works.\n');
  for (const { name, compares } of ENTRIES) console.log(`${name}\n    ${compares}`);
} else if (wish.kind === 'wrong') {
  console.error(wish.message);
  process.exitCode = 1;
} else {
  for (const entry of ENTRIES.filter(({ name }) => wish.names.includes(name))) {
    const report = await runEntry(entry, wish.pace, wish, (line) => console.error(line));
    const section = renderSection(report);
    console.log(`${section}\n`);
    if (report.failed) process.exitCode = 1;
    if (wish.pace === 'full') await writeSection(RESULTS, entry.name, section);
  }
}
