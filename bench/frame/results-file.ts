import { readFile, rename, writeFile } from 'node:fs/promises';

const PREAMBLE = `# Measurements

Written by \`npm run bench\`; \`npm run bench -- NAME\` replaces the section of that entry alone.
Contestants run side by side in one process, in interleaved rounds whose order rotates, after warm-ups. A time is the median over the rounds, of the mean within each; a ratio is taken within each round, and then its median over the rounds. The middle half is what lies between the quartiles. CPU is that of the process an operation, all its threads together, without Postgres. Compare ratios: times belong to the machine. Nothing here passes or fails.
`;

/**
 * Puts the section of one entry into the text of the results and leaves the
 * others as they are; a new one goes to the end. Sections stand between marks,
 * not headings, so that a section may have headings of its own.
 */
export function replaceSection(results: string, name: string, section: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const block = `${begin}\n${section.trim()}\n${end}`;
  const from = results.indexOf(begin);
  const to = results.indexOf(end);
  if (from === -1 && to === -1) return `${(results.trim() || PREAMBLE).trim()}\n\n${block}\n`;
  if (from === -1 || to < from) {
    throw new Error(`expected both marks of ${name} in order, received ${from} and ${to}`);
  }
  return results.slice(0, from) + block + results.slice(to + end.length);
}

/** Writes the section into the file at `path`, whole or not at all. */
export async function writeSection(path: string, name: string, section: string): Promise<void> {
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  await writeFile(`${path}.new`, replaceSection(before, name, section));
  await rename(`${path}.new`, path);
}
