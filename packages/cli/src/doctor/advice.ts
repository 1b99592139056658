import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PresetName } from '@rollcall/shared/config/types';

/** What docs/errors.md says about codes. */
export interface Advice {
  /**
   * What to change, at this kind of identity provider where the page says it, else in
   * general; null where the page has nothing on the code.
   */
  of(code: string, preset: PresetName): string | null;
}

/** The one place where advice is written: here it is read, so that it cannot differ. */
const PAGE = fileURLToPath(new URL('../../../../docs/errors.md', import.meta.url));

/** The advice of the page that belongs to this version; none where it was not installed. */
export async function readAdvice(path: string = PAGE): Promise<Advice> {
  const page = await readFile(path, 'utf8').catch(() => '');
  return parseAdvice(page);
}

/** Takes the page apart: a chapter or the row of a table for each code. */
export function parseAdvice(page: string): Advice {
  const entries = new Map([...rowsOf(page), ...chaptersOf(page)]);
  return {
    of: (code, preset) => {
      const entry = entries.get(code);
      if (entry === undefined) return null;
      return entry.at.get(preset) ?? entry.general;
    },
  };
}

interface Entry {
  readonly general: string;
  readonly at: ReadonlyMap<string, string>;
}

function chaptersOf(page: string): [string, Entry][] {
  return page.split(/^### /m).flatMap((chapter) => {
    const code = /^`([a-z_.0-9]+)`/.exec(chapter)?.[1];
    if (code === undefined) return [];
    const text = (chapter.split(/^#/m, 1)[0] ?? '').replace(/^```[\s\S]*?^```/gm, '');
    const lines = text.split('\n').slice(1);
    const vendors = lines.flatMap((line): [string, string][] => {
      const found = /^- \*\*(\w+)\*\*: (.*)$/.exec(line);
      return found?.[1] === undefined ? [] : [[found[1].toLowerCase(), plain(found[2] ?? '')]];
    });
    const general = plain(lines.filter((line) => !line.startsWith('- **')).join(' '));
    return [[code, { general, at: new Map(vendors) }]];
  });
}

/** A row may be about several codes; its last cell says what to change. */
function rowsOf(page: string): [string, Entry][] {
  return page.split('\n').flatMap((line) => {
    const cells = line.split('|').slice(1, -1);
    const codes = cells[0]?.match(/(?<=`)[a-z_]+\.[a-z_0-9]+(?=`)/g) ?? [];
    const [general = '', ...vendors] = (cells.at(-1) ?? '').split(/\*\*(\w+)\*\*: /);
    const at = new Map<string, string>();
    for (let index = 0; index + 1 < vendors.length; index += 2) {
      at.set(vendors[index]?.toLowerCase() ?? '', plain(`${general} ${vendors[index + 1]}`));
    }
    return codes.map((code): [string, Entry] => [code, { general: plain(general), at }]);
  });
}

/** Markdown as a terminal shows it. */
function plain(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
