import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { exampleIncident } from '../escalation.fixture.ts';
import { exampleNotice } from '../notice.fixture.ts';
import { ChannelAway } from './channel.ts';
import { openMail } from './mail.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-mail-'));
const closers: (() => unknown)[] = [];
// A test that fails must not leave the file hanging on its server.
after(() => Promise.all(closers.map((close) => close())));
after(() => rmSync(dir, { recursive: true, force: true }));

const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
execFileSync(
  'openssl',
  [
    ...request,
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
    '-keyout',
    'key.pem',
    '-out',
    'cert.pem',
  ],
  { cwd: dir, stdio: 'ignore' },
);
const tls = { key: readFileSync(join(dir, 'key.pem')), cert: readFileSync(join(dir, 'cert.pem')) };
const ca = tls.cert.toString();
const never = new AbortController().signal;

interface Got {
  from: string;
  to: string[];
  raw: string;
  secure: boolean;
}

async function smtp(options: SMTPServerOptions = {}): Promise<{ port: number; got: Got[]; close(): Promise<void> }> {
  const got: Got[] = [];
  const server = new SMTPServer({
    ...tls,
    authOptional: true,
    disableReverseLookup: true,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        got.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
          secure: session.secure,
        });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(resolve));
  closers.push(close);
  return { port, got, close };
}

const settings = (port: number, more: object = {}) => ({
  host: 'localhost',
  port,
  tls: 'starttls' as const,
  ca,
  from: 'rempart@example.org',
  timeoutMs: 5_000,
  ...more,
});
const delivery = { id: 'INC-20260301-120000.alert.Sec.mail', address: 'sec@example.org', notice: exampleNotice() };

/** Header fields and the decoded text of a mail. */
function read(raw: string): { headers: Map<string, string>; text: string } {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const body = raw.slice(end + 4);
  const encoding = headers.get('content-transfer-encoding');
  if (encoding === 'base64') return { headers, text: Buffer.from(body, 'base64').toString() };
  if (encoding !== 'quoted-printable') return { headers, text: body };
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { headers, text: Buffer.from(bytes, 'latin1').toString() };
}

test('mail goes over STARTTLS with a login, with the subject, the facts and an id that stays the same', async () => {
  const server = await smtp({
    authOptional: false,
    onAuth: ({ username, password }, _session, done) =>
      username === 'rempart' && password === 'pw-canary' ? done(null, { user: 'rempart' }) : done(new Error('no')),
  });
  const mail = openMail(settings(server.port, { user: 'rempart', password: 'pw-canary' }));
  assert.deepEqual(await mail.send(delivery, never), { kind: 'taken' });
  await mail.send(delivery, never);
  const [first, second] = server.got.map(({ raw }) => read(raw));
  assert.deepEqual([server.got[0]?.to, server.got[0]?.secure], [['sec@example.org'], true]);
  assert.equal(first?.headers.get('subject'), '[REMPART URGENT] unauthorised-access - HIGH');
  assert.equal(first?.headers.get('message-id'), second?.headers.get('message-id'));
  assert.match(first?.text ?? '', /Host: bastion/);
  assert.match(first?.text ?? '', /\[x\] Critical services stopped\r?\n {2}\[ \] States saved/);
  assert.match(first?.text ?? '', /Immediate investigation required\./);
  assert.match(first?.text ?? '', /rempart journal verify --expect respond:12:a{64}/);
  await server.close();
});

test('mail does not go on in the clear, nor to a server that nobody vouches for', async () => {
  const clear = await smtp({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
  await assert.rejects(openMail(settings(clear.port)).send(delivery, never), ChannelAway);
  const unknown = await smtp();
  const { ca: _, ...untrusting } = settings(unknown.port);
  await assert.rejects(openMail(untrusting).send(delivery, never), ChannelAway);
  assert.equal(clear.got.length + unknown.got.length, 0);
  await clear.close();
  await unknown.close();
});

test('mail that is refused for good says so, and what may pass later is tried later', async () => {
  const error = (responseCode: number) => Object.assign(new Error('no'), { responseCode });
  const cases: [SMTPServerOptions, string, 'refused' | 'away'][] = [
    [{ onRcptTo: (_address, _session, done) => done(error(550)) }, 'smtp-550', 'refused'],
    [{ onRcptTo: (_address, _session, done) => done(error(450)) }, 'smtp-450', 'away'],
    [{ onMailFrom: (_address, _session, done) => done(error(553)) }, 'smtp-553', 'away'],
    [{ authOptional: false, onAuth: (_auth, _session, done) => done(error(535)) }, 'smtp-535', 'away'],
    [
      {
        onData: (stream, _session, done) => {
          stream.resume();
          stream.on('end', () => done(error(554)));
        },
      },
      'smtp-554',
      'refused',
    ],
  ];
  for (const [options, why, kind] of cases) {
    const server = await smtp(options);
    const mail = openMail(
      settings(server.port, {
        user: 'u',
        password: 'p',
        ...(options.onAuth ? {} : { user: undefined, password: undefined }),
      }),
    );
    const sent = await mail.send(delivery, never).catch((cause: unknown) => cause);
    if (kind === 'refused') assert.deepEqual(sent, { kind, why });
    else assert.equal(sent instanceof ChannelAway && sent.why, why);
    await server.close();
  }
});

/** A server that speaks just enough, then goes away in the middle of the message, or says nothing at all. */
async function broken(what: 'cut' | 'silent'): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (what === 'silent') return;
    socket.write('220 test\r\n');
    let inData = false;
    socket.on('data', (bytes) => {
      const said = bytes.toString();
      if (inData) return socket.destroy();
      if (said.startsWith('DATA')) {
        inData = true;
        socket.write('354 go on\r\n');
      } else socket.write('250 ok\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('mail that is cut in the middle, or met with silence, is away and never taken', async () => {
  for (const what of ['cut', 'silent'] as const) {
    const server = await broken(what);
    const mail = openMail({
      host: '127.0.0.1',
      port: server.port,
      tls: 'none',
      from: 'rempart@example.org',
      timeoutMs: 1_000,
    });
    await assert.rejects(mail.send(delivery, never), ChannelAway, what);
    server.close();
  }
  const closed = await broken('cut');
  closed.close();
  await assert.rejects(openMail(settings(closed.port)).send(delivery, never), ChannelAway);
});

test('mail to a server that drips ends with the time it is given', async () => {
  const server = await broken('silent');
  const mail = openMail(settings(server.port, { timeoutMs: 60_000 }));
  const begun = performance.now();
  const given = mail.send(delivery, AbortSignal.timeout(300));
  await assert.rejects(given, (error) => error instanceof ChannelAway && error.why === 'aborted');
  assert.ok(performance.now() - begun < 50_000);
  server.close();
});

test('mail about a hostile incident has the headers it always has, one recipient, and shows what a terminal would obey', async () => {
  const server = await smtp();
  const hostile = 'x\r\nBcc: evil@example.net\r\n\r\n<script>\u001b[2J\u202egnp.exe\u0000\n.\r\nQUIT';
  const notice = exampleNotice({ host: hostile, ip: hostile, details: [hostile], toCall: [hostile] });
  const incident = { ...notice.incident, type: hostile, title: hostile, subject: hostile };
  const mail = openMail(settings(server.port));
  await mail.send({ ...delivery, notice: { ...notice, incident } }, never);
  const plain = exampleIncident();
  assert.equal(plain.id, incident.id);
  await mail.send(delivery, never);
  const [bad, good] = server.got.map(({ raw }) => read(raw));
  assert.deepEqual(server.got[0]?.to, ['sec@example.org']);
  assert.deepEqual([...bad!.headers.keys()].sort(), [...good!.headers.keys()].sort());
  assert.ok(!/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u202e]/.test(bad!.text));
  assert.ok(!/^Bcc:/m.test(bad!.text));
  await server.close();
});
