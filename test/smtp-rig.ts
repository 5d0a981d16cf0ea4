// A real mail server for tests of the whole program: TLS of its own, a login, and a switch that leaves a message hanging in the middle.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';

export interface MailServer {
  port: number;
  /** Raw messages by recipient, in the order of their arrival. */
  got: { to: string; raw: string }[];
  /** While it hangs, messages begin and never end. */
  hang: { on: boolean; seen: number };
  /** Certificate to trust. */
  caFile: string;
  close(): Promise<void>;
}

export async function startMailServer(dir: string, login: { user: string; password: string }): Promise<MailServer> {
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', [...request, ...named, '-keyout', 'smtp-key.pem', '-out', 'smtp-cert.pem'], {
    cwd: dir,
    stdio: 'ignore',
  });
  const got: MailServer['got'] = [];
  const hang = { on: false, seen: 0 };
  const server = new SMTPServer({
    key: readFileSync(join(dir, 'smtp-key.pem')),
    cert: readFileSync(join(dir, 'smtp-cert.pem')),
    disableReverseLookup: true,
    onAuth: ({ username, password }, _session, done) =>
      username === login.user && password === login.password
        ? done(null, { user: login.user })
        : done(new Error('refused')),
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        hang.seen++;
        if (hang.on) return;
        const raw = Buffer.concat(chunks).toString();
        for (const { address } of session.envelope.rcptTo) got.push({ to: address, raw });
        done();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    got,
    hang,
    caFile: join(dir, 'smtp-cert.pem'),
    close: () => new Promise((done) => server.close(done)),
  };
}

export function headerOf(raw: string, name: string): string | undefined {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1];
}
