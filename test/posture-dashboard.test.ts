// The security dashboard from real data: an instance with failed keys, a session and requests, and what the scan says of the same directory.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { postureSchema, securityDashboardSchema } from '../src/platform/documents/posture.ts';
import { makePlace, run, startInstance } from './instance.ts';

const place = makePlace();
after(place.remove);

test('GET /api/dashboard and posture scan count the same sessions and failed keys; strangers see nothing', async () => {
  const cwd = place.dir;
  const data = join(cwd, '.rempart');
  const instance = await startInstance(['--data', data], { cwd });
  try {
    const ask = (key: string) =>
      fetch(`${instance.gatewayUrl}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'rempart-standin', messages: [{ role: 'user', content: 'hello' }] }),
      });
    for (const key of ['no-1', 'no-2', 'no-3']) assert.equal((await ask(key)).status, 401);
    assert.equal((await ask(instance.apiKey ?? '')).status, 200);
    assert.equal((await fetch(`${instance.consoleUrl}/api/dashboard`)).status, 401);
    const login = await fetch(`${instance.consoleUrl}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password: instance.password }),
    });
    const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
    const answer = await fetch(`${instance.consoleUrl}/api/dashboard`, { headers: { cookie } });
    const { security_dashboard: shown } = (await answer.json()) as { security_dashboard: unknown };
    const dashboard = securityDashboardSchema.parse(shown);
    assert.equal(dashboard.failed_auth_24h, 3);
    assert.ok((dashboard.active_sessions ?? 0) >= 1);
    assert.equal(dashboard.model_integrity_checks, 'NOT_RUN');
    assert.equal(dashboard.network_anomalies, null);
    assert.equal(dashboard.last_security_scan, null);
    assert.equal(dashboard.current_threat_level, null);
    mkdirSync(join(data, 'posture'), { recursive: true });
    writeFileSync(
      join(data, 'posture', 'crossings.jsonl'),
      `${JSON.stringify({ time: Date.now(), kind: 'cross-network' })}\n`,
    );
    const scanned = await run(['posture', 'scan', '--json', '--data', data], { cwd });
    const document = postureSchema.parse(JSON.parse(scanned.stdout));
    assert.equal(document.security_dashboard.failed_auth_24h, 3);
    assert.equal(document.security_dashboard.active_sessions, dashboard.active_sessions);
    assert.equal(document.security_dashboard.network_anomalies, 1);
    assert.ok(document.findings.some(({ rule }) => rule === 'host/crossings'));
    const again = await fetch(`${instance.consoleUrl}/api/dashboard`, { headers: { cookie } });
    const later = (await again.json()) as {
      security_dashboard: { current_threat_level: string; last_security_scan: string };
    };
    assert.equal(later.security_dashboard.current_threat_level, document.threatLevel);
    assert.equal(later.security_dashboard.last_security_scan, document.time);
    assert.ok(existsSync(join(data, 'posture', 'last-scan.json')));
  } finally {
    await instance.stop();
  }
});
