import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgram } from '@rollcall/cli/program';
import { openTerminal } from '@rollcall/cli/terminal';
import { expect, it } from 'vitest';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');

interface Named {
  name(): string;
  readonly commands: readonly Named[];
}

/** Commands that do something, by all their words: `users list`. */
function commandsOf(command: Named, before: readonly string[] = []): string[] {
  return command.commands.flatMap((one) => {
    const words = [...before, one.name()];
    return one.commands.length > 0 ? commandsOf(one, words) : [words.join(' ')];
  });
}

/** Whom a section is about: its heading, and the usages on the line below it. */
function documented(): string[] {
  const sections = PAGE.split(/^## (?=[a-z])/m).slice(1);
  return sections.flatMap((section) => {
    const [heading = '', , usage = ''] = section.split('\n');
    const told = /^`rollcall /.test(usage) ? usage : '';
    const usages = [...told.matchAll(/(?:^|· )`(?:rollcall )?((?:[a-z]+(?:-[a-z]+)* ?)+)/g)];
    return usages.length === 0 ? [heading] : usages.map(([, name = '']) => name.trim());
  });
}

it('every command has a section in docs/cli.md, and every section a command', () => {
  const silent = { write: () => true };
  const program = buildProgram(async () => undefined, openTerminal(silent, silent, {}));
  const commands = commandsOf(program);
  expect(commands.length).toBeGreaterThan(25);
  expect(documented().sort()).toEqual(commands.sort());
});
