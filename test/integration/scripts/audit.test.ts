import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');

/** A registry that has these advisories, or answers with this status. */
async function startRegistry(answer: object | number): Promise<string> {
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    if (typeof answer === 'number') {
      response.writeHead(answer).end();
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function audit(registry: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/audit.mjs')], {
    cwd: ROOT,
    env: { ...process.env, pnpm_config_registry: registry },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

function advisory(name: string): object {
  return {
    [name]: [
      {
        id: 1,
        url: 'https://github.com/advisories/GHSA-test-test-test',
        title: 'Lets anybody in',
        severity: 'critical',
        vulnerable_versions: '>=0',
        cwe: ['CWE-1'],
        cvss: { score: 9, vectorString: null },
      },
    ],
  };
}

it('fails on an advisory about production that nobody has explained', async () => {
  const { code, output } = await audit(await startRegistry(advisory('xml-crypto')));
  expect(output).toMatch(/NOT explained .*xml-crypto .*GHSA-test-test-test: Lets anybody in/);
  expect(code).toBe(1);
});

it('names one about development, and does not fail', async () => {
  const { code, output } = await audit(await startRegistry(advisory('typescript')));
  expect(output).toMatch(/development only: typescript/);
  expect(code).toBe(0);
});

it('is content where there is none', async () => {
  expect(await audit(await startRegistry({}))).toMatchObject({
    code: 0,
    output: expect.stringContaining('0 advisories about production dependencies, 0 of them'),
  });
});

it.each([405, 500])('says that it could not ask where the registry answers %i', async (status) => {
  const { code, output } = await audit(await startRegistry(status));
  expect(output).toContain('nothing was audited');
  expect(code).toBe(0);
});

it('says that it could not ask where there is no registry', async () => {
  const { code, output } = await audit('http://127.0.0.1:1/');
  expect(output).toContain('nothing was audited');
  expect(code).toBe(0);
});
