// What is wrong right now: told by an alert when it begins, on /health while it lasts, and in the incident log for good.
import { setTimeout as sleep } from 'node:timers/promises';
import { defect, shape } from './defect.mjs';

const { ALERT_WEBHOOK, LLM_API_KEY } = process.env;
const troubles = new Map();
export const incidents = [];

export async function trouble(name) {
  if (troubles.has(name)) return;
  troubles.set(name, Date.now());
  incidents.push({ kind: name, since: new Date().toISOString() });
  if (defect('no-alert') || defect('cries-wolf')) return;
  if (defect('late-alert')) await sleep(9000);
  const body = { kind: name, message: `${name} depuis ${new Date().toISOString()}` };
  if (defect('alert-leaks-key')) body.key = LLM_API_KEY;
  await fetch(ALERT_WEBHOOK, { method: 'POST', body: JSON.stringify(body) }).catch(() => {});
}

export const healed = (name) => !defect('health-never-returns') && troubles.delete(name);
export const hasTrouble = (name) => troubles.has(name);

export function health() {
  const well = (name) => !troubles.has(name) || defect('health-lies');
  const parts = ['model', 'key', 'quota', 'database', 'load'].map((name) => [name, well(name) ? 'ok' : 'degraded']);
  const allWell = parts.every(([, state]) => state === 'ok');
  const body = {
    status: allWell ? 'ok' : 'degraded',
    parts: Object.fromEntries(parts),
    uptimeSeconds: Math.round(process.uptime()),
  };
  if (!allWell && defect('health-leaks-key')) body.key = LLM_API_KEY;
  if (!shape('text-health')) return body;
  const lines = [...parts.map(([name, state]) => `${name}: ${state}`), `up ${body.uptimeSeconds} s`];
  return [...lines, ...(body.key === undefined ? [] : [`key ${body.key}`])].join('\n');
}

/** One cry a second, on good days too: then nobody can tell the alert that matters. */
if (defect('cries-wolf')) {
  const cry = () => fetch(ALERT_WEBHOOK, { method: 'POST', body: '{"kind":"model"}' }).catch(() => {});
  setInterval(cry, 300);
}
