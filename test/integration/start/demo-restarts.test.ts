import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ADA, GRACE } from '../../support/stack.ts';
import { Visitor } from '../../support/visitor.ts';
import { makeFolder, rollcall, rollcallJson, start } from '../cli/rollcall.ts';
import { sessionOf, signIn } from './sign-in.ts';

// The web half alone: what the sweep does is told elsewhere.
const WEB = ['--role', 'web'];

describe('the demo, stopped and started again', () => {
  it('keeps people, sessions and addresses through Ctrl-C and through kill -9', async () => {
    const cwd = makeFolder();
    const first = await start(WEB, { cwd });
    const ada = new Visitor();
    expect((await signIn(ada, first, ADA, '/reports')).url).toBe(`${first.url}/reports`);
    expect((await sessionOf(ada, first)).user).toMatchObject({
      subject: ADA,
      roles: ['analyst', 'editor', 'finance'],
    });
    const interrupted = await first.stop('SIGINT');
    expect(interrupted).toMatchObject({ code: 0, stderr: expect.not.stringContaining('    at ') });
    await expect(fetch(first.url)).rejects.toThrow();

    const second = await start(WEB, { cwd });
    expect({ url: second.url, idp: second.idp }).toEqual({ url: first.url, idp: first.idp });
    expect((await sessionOf(ada, second)).status).toBe(200);
    await second.stop('SIGKILL');

    const third = await start(WEB, { cwd });
    expect({ url: third.url, idp: third.idp }).toEqual({ url: first.url, idp: first.idp });
    expect((await sessionOf(ada, third)).user?.subject).toBe(ADA);
    const grace = new Visitor();
    await signIn(grace, third, GRACE);
    expect((await sessionOf(grace, third)).user?.roles).toEqual(['admin']);

    // Another terminal joins the database of the one that runs.
    const listed = await rollcallJson(['users', 'list'], { cwd });
    expect(listed).toMatchObject({
      code: 0,
      answer: { users: expect.arrayContaining([expect.objectContaining({ subject: ADA })]) },
    });
    expect((await third.stop()).code).toBe(0);

    // And starts it by itself where none runs.
    const alone = await rollcallJson(['explain', 'ada@acme.example'], { cwd });
    expect(alone).toMatchObject({ code: 0, answer: { user: { state: 'active' } } });
    expect(existsSync(join(cwd, '.rollcall/running.json'))).toBe(false);
    expect(readFileSync(join(cwd, '.rollcall/rollcall.log'), 'utf8')).toContain('service.stopping');
  }, 120_000);

  it('runs beside another one, and once in each folder', async () => {
    const [one, two] = [makeFolder(), makeFolder()];
    const [first, second] = await Promise.all([start(WEB, { cwd: one }), start(WEB, { cwd: two })]);
    expect(new Set([first.url, first.idp, second.url, second.idp]).size).toBe(4);
    const [ada, grace] = [new Visitor(), new Visitor()];
    await signIn(ada, first, ADA);
    await signIn(grace, second, GRACE);
    expect((await sessionOf(ada, first)).user?.subject).toBe(ADA);
    expect((await sessionOf(grace, second)).user?.subject).toBe(GRACE);

    const again = await rollcall(['start'], { cwd: one });
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/runs already, as process \d+.*\(demo\.already_running\)\n$/);
    expect((await sessionOf(ada, first)).status).toBe(200);
  }, 120_000);

  it('waits for a request that is under way, and not once it is told a second time', async () => {
    const cwd = makeFolder();
    const demo = await start(WEB, { cwd });
    const socket = connect(Number(new URL(demo.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    // A form that never arrives whole.
    socket.write('POST /saml/demo/acs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n');
    socket.write('Content-Type: application/x-www-form-urlencoded\r\n\r\na=');
    await sleep(300);
    const end = demo.stop('SIGTERM');
    await sleep(1000);
    process.kill(demo.pid, 0);
    process.kill(demo.pid, 'SIGTERM');
    expect(await end).toMatchObject({ code: 143, stderr: 'Stopped without waiting.\n' });
    socket.destroy();
    const again = await start(WEB, { cwd });
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
  }, 120_000);
});
