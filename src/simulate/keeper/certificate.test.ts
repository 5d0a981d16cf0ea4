// The certificates of a run: accepted by TLS for their host, refused for another, and sound to a second reader where there is one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { createAuthority } from './certificate.ts';

const authority = createAuthority(Date.now());

/** What comes of asking for `servername` at a server that holds the leaf for `host`. */
async function shake(host: string, servername: string, ca = authority.certificate): Promise<string> {
  const server = createServer(authority.leafFor(host), (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, servername, ca: [ca] }, () => {
        resolve('accepted');
        socket.destroy();
      });
      socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    });
  } finally {
    server.close();
  }
}

test('createAuthority() issues what a client that trusts it accepts, for that host and no other', async () => {
  assert.equal(await shake('api.provider.example', 'api.provider.example'), 'accepted');
  assert.equal(await shake('api.provider.example', 'api.other.example'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.notEqual(await shake('a.example', 'a.example', createAuthority(Date.now()).certificate), 'accepted');
});

test('createAuthority() writes names, addresses and an authority that may issue', () => {
  const ca = new X509Certificate(authority.certificate);
  assert.equal(ca.ca, true);
  for (const host of ['a.example', '127.3.4.5', '2001:db8::1']) {
    const leaf = new X509Certificate(authority.leafFor(host).cert);
    assert.equal(leaf.ca, false);
    assert.ok(leaf.verify(ca.publicKey));
    assert.ok(leaf.checkIssued(ca));
    assert.ok(host.includes('example') ? leaf.checkHost(host) : leaf.checkIP(host), host);
  }
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`;
  assert.ok(new X509Certificate(authority.leafFor(long).cert).checkHost(long));
});

test('createAuthority() is sound to openssl, by its strict rules', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-x509-'));
  try {
    writeFileSync(join(dir, 'ca.pem'), authority.certificate);
    writeFileSync(join(dir, 'leaf.pem'), authority.leafFor('a.example').cert);
    const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.pem', 'leaf.pem'];
    const { error, stdout, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
    if (error !== undefined) return t.skip('openssl is not installed');
    assert.match(stdout, /leaf\.pem: OK/, stderr);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
