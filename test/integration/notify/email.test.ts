import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { sendMail } from '@rollcall/shared/notify/email';
import { EXAMPLES } from '@rollcall/shared/notify/examples';
import { messageOf } from '@rollcall/shared/notify/message';
import type { ToldNotification } from '@rollcall/shared/notify/told';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
  readonly user: unknown;
}

const servers = new Set<SMTPServer>();
afterEach(async () => {
  for (const server of servers) await new Promise<void>((done) => server.close(done));
  servers.clear();
});

async function openServer(options: SMTPServerOptions = {}, host = '127.0.0.1') {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onAuth: ({ username, password }, _session, done) =>
      password === 'p@ss:w/rd'
        ? done(null, { user: username })
        : done(new Error(`bad ${password}`)),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push({
          from: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
          secure: session.secure,
          user: session.user,
        });
        done();
      });
    },
    ...options,
  });
  servers.add(server);
  // A client that will not go on closes its end.
  server.on('error', () => undefined);
  const listening = server.listen(0, host);
  await once(listening, 'listening');
  return { mails, port: (listening.address() as AddressInfo).port };
}

const MAILBOX = {
  smtp: { kind: 'env', name: 'SMTP' },
  from: 'rollcall@example.com',
  to: ['ops@example.com', 'it@example.com'],
} as const;
const HEAD = { id: 'notification_x_1', event: 'sweep.held' };
const TOLD: ToldNotification = {
  id: '1',
  attempt: 1,
  at: '2026-11-25T07:30:00.000Z',
  event: 'sweep.held',
  standing: 'raised',
  connection: 'acme',
  about: 'x',
  facts: { ...EXAMPLES['sweep.held'] },
  test: false,
};
const send = (url: string, told: ToldNotification = TOLD) =>
  sendMail(MAILBOX, HEAD, messageOf(told, 'https://auth.example.com'), { SMTP: url });

describe('a mail', () => {
  it('is plain text that says what happened and what to do', async () => {
    const { mails, port } = await openServer({ disabledCommands: ['STARTTLS'] });
    await send(`smtp://127.0.0.1:${port}`);
    expect(mails).toMatchObject([
      { from: 'rollcall@example.com', to: ['ops@example.com', 'it@example.com'] },
    ]);
    const text = mails[0]?.text ?? '';
    expect(text).toContain('Subject: Rollcall: sweep.held (acme)');
    expect(text).toContain('Message-ID: <notification_x_1@example.com>');
    expect(text).toContain('Content-Type: text/plain');
    expect(text).toContain('waiting: 214');
    expect(text).toContain('What to do: Look at the plan');
  });

  it('has no header but ours, whatever an identity provider calls things', async () => {
    const { mails, port } = await openServer({ disabledCommands: ['STARTTLS'] });
    const evil = 'x\r\nBcc: victim@example.com\r\n\r\n<b>hello</b>';
    const told = { ...TOLD, connection: evil, event: evil, facts: { why: [evil], [evil]: evil } };
    await sendMail(
      MAILBOX,
      { id: 'notification_x_2', event: 'sweep.held' },
      messageOf(told, evil),
      {
        SMTP: `smtp://127.0.0.1:${port}`,
      },
    );
    const [headers = ''] = (mails[0]?.text ?? '').split('\r\n\r\n');
    expect(headers).not.toMatch(/^bcc:/im);
    expect(mails[0]?.to).toEqual(['ops@example.com', 'it@example.com']);
  });

  it('goes by STARTTLS where the server is elsewhere, and not at all without', async () => {
    const { mails, port } = await openServer({ disabledCommands: ['STARTTLS'] }, '127.0.0.2');
    await expect(send(`smtp://127.0.0.2:${port}`)).rejects.toMatchObject({ code: 'email.refused' });
    // With a certificate that nobody vouches for it does not go either.
    const tls = await openServer({}, '127.0.0.2');
    await expect(send(`smtp://127.0.0.2:${tls.port}`)).rejects.toMatchObject({
      code: 'email.refused',
    });
    const implicit = await openServer({ secure: true }, '127.0.0.2');
    await expect(send(`smtps://127.0.0.2:${implicit.port}`)).rejects.toMatchObject({
      code: 'email.refused',
    });
    expect([...mails, ...tls.mails, ...implicit.mails]).toEqual([]);
  });

  it('signs in with what the URL says, and tells nobody', async () => {
    const { mails, port } = await openServer({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      authOptional: false,
    });
    await send(`smtp://ops:${encodeURIComponent('p@ss:w/rd')}@127.0.0.1:${port}`);
    expect(mails).toMatchObject([{ user: 'ops' }]);
    const refused = await send(`smtp://ops:wr0ng-s3cret@127.0.0.1:${port}`).catch(
      (error: Error) => error,
    );
    expect(refused).toMatchObject({ code: 'email.refused' });
    expect(JSON.stringify([refused, Object(refused).message, Object(refused).cause])).not.toContain(
      'wr0ng',
    );
    expect(String(Object(refused).message)).toContain('status 535');
  });
});

describe('a server', () => {
  it.each([
    'https://mail.example',
    'smtp://',
    'mail.example:25',
    'smtp://u:p@mail.example?tls.rejectUnauthorized=false',
    'smtp://mail.example/x',
    'smtp://mail.example#x',
  ])('cannot be %s', async (url) => {
    await expect(send(url)).rejects.toMatchObject({ code: 'email.bad_server' });
  });
});
