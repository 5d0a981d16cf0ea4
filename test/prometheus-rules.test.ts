// The alert rules for Prometheus, as Prometheus' own tool reads and runs them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { loadDeployment } from '../src/platform/documents/load-deployment.ts';
import { alertRules } from '../src/protect/alert-rules/alert-rules.ts';
import { prometheusRules } from '../src/protect/alert-rules/prometheus-rules.ts';
import { hardenedFiles } from '../src/protect/posture/harden/harden.ts';
import { makePlace, startInstance } from './instance.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-rules-'));
after(() => rmSync(dir, { recursive: true }));
const rulesFile = join(dir, 'rules.yml');
writeFileSync(rulesFile, prometheusRules());

const promtool = (...args: string[]) => spawnSync('promtool', args, { encoding: 'utf8', timeout: 60_000 });
const missing = promtool('--version').error !== undefined;
const skip = missing && 'promtool is not installed (package "prometheus")';
if (missing) console.error('The Prometheus rules are not run: promtool is not installed.');

const high = 'RempartFailedAuthentications';
const medium = 'RempartSuspiciousPrompts';
const critical = 'RempartHostAccessViolation';
const rulesByAlert = new Map(Object.values(alertRules).map((rule) => [rule.alert as string, rule]));

interface Case {
  title: string;
  /** Samples each 15 seconds, in promtool's notation. */
  series: Record<string, string>;
  alert: string;
  /** Whether it is on, by time. */
  on: Record<string, boolean>;
}

const failed = (reason: string, instance = 'a') =>
  `rempart_failed_auth_attempts_total{job="rempart",instance="${instance}",reason="${reason}"}`;
const suspicious = 'rempart_suspicious_prompts_total{job="rempart",instance="a",category="injection",role="user"}';
const host = (from: string) =>
  `rempart_host_access_violations_total{job="rempart",instance="a",from="${from}",to="host"}`;
const started = 'rempart_process_start_time_seconds{job="rempart",instance="a"}';

const cases: Case[] = [
  {
    title: 'ten failed authentications within a minute, of several reasons and instances',
    series: { [failed('missing')]: '0x8 4x40', [failed('unknown')]: '0x9 4x40', [failed('unknown', 'b')]: '0x9 2x40' },
    alert: high,
    on: { '2m': false, '2m30s': true, '4m': false },
  },
  {
    title: 'nine within a minute are none, though they come within 30 seconds',
    series: { [failed('missing')]: '0x8 4 9x40' },
    alert: high,
    on: { '2m15s': false, '2m30s': false, '2m45s': false, '3m': false },
  },
  {
    title: 'three a minute for long are none',
    series: { [failed('missing')]: '0 1 1 2 3 4 4 5 6 7 7 8 9 10 10 11 12 13 13 14 15' },
    alert: high,
    on: { '2m': false, '4m': false, '5m': false },
  },
  {
    title: 'ten failed authentications of an instance that has just begun',
    series: { [failed('missing')]: '_x21 10x20' },
    alert: high,
    on: { '5m': false, '5m15s': true, '7m': false },
  },
  {
    title: 'what an instance counted before its restart is not counted again after it',
    series: { [failed('missing')]: '900x20 0x5 3x20' },
    alert: high,
    on: { '5m15s': false, '6m': false, '7m': false },
  },
  {
    title: 'ten after a restart, from nothing',
    series: { [failed('missing')]: '900x20 10x20' },
    alert: high,
    on: { '5m': false, '5m15s': true, '7m': false },
  },
  {
    title: 'five suspicious prompts within an hour',
    series: { [suspicious]: '0x4 1x40 2x40 3x40 4x40 5x400' },
    alert: medium,
    on: { '41m': false, '42m30s': true, '1h': true, '1h5m': false },
  },
  {
    title: 'four suspicious prompts within an hour are none',
    series: { [suspicious]: '0x4 1x40 2x40 3x40 4x400' },
    alert: medium,
    on: { '32m': false, '1h': false },
  },
  {
    title: 'the first host access violation, in a counter that appears with value 1',
    series: { [host('public')]: '_x21 1x40' },
    alert: critical,
    on: { '5m': false, '5m15s': true, '9m': true, '10m30s': false },
  },
  {
    title: 'a second host access violation from another zone, later',
    series: { [host('public')]: '1x80', [host('dmz')]: '_x41 1x40' },
    alert: critical,
    on: { '6m': false, '10m': false, '10m15s': true, '16m': false },
  },
  {
    title: 'one more host access violation in a counter that was there',
    series: { [host('public')]: '1x40 2x40' },
    alert: critical,
    on: { '10m': false, '10m15s': true, '16m': false },
  },
  {
    title: 'a scrape that failed makes no old violation new',
    series: { [host('public')]: '1x100 stale 1x100', [started]: '-9000x100 stale -9000x100' },
    alert: critical,
    on: { '25m': false, '25m15s': false, '25m30s': false, '30m15s': false, '35m': false },
  },
  {
    title: 'a scrape that failed makes no old failed authentications new',
    series: { [failed('missing')]: '900x100 stale 900x100', [started]: '-9000x100 stale -9000x100' },
    alert: high,
    on: { '25m15s': false, '26m15s': false, '27m': false },
  },
  {
    title: 'the first host access violation after a restart, where there was one before it',
    series: { [host('public')]: '1x100 stale _x40 1x40', [started]: '-9000x100 stale 1530x100' },
    alert: critical,
    on: { '25m': false, '35m': false, '35m45s': true, '39m': true, '41m': false },
  },
  { title: 'no violation: no series', series: { up: '1x40' }, alert: critical, on: { '15s': false, '10m': false } },
];

test('promtool accepts the rules as they are shipped', { skip }, () => {
  const { status, stdout, stderr } = promtool('check', 'rules', rulesFile);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /4 rules found/);
});

test('promtool accepts the configuration that harden writes, and finds the rules where it mounts them', {
  skip,
}, () => {
  const deployment = loadDeployment(join(import.meta.dirname, '..', 'targets', 'deployments', 'rempart.yaml'));
  const files = hardenedFiles(deployment, { secureMode: false });
  const mounted = deployment.services.find(({ name }) => name === 'metrics')?.run?.volumes ?? [];
  let config = files['prometheus.yml']?.text ?? '';
  for (const volume of mounted) {
    const [from = '', to = ''] = volume.split(':');
    const text = files[from.replace(/^\.\//, '')]?.text;
    if (text === undefined) continue;
    const file = join(dir, basename(from));
    writeFileSync(file, text);
    config = config.replace(to, file);
  }
  const file = join(dir, 'prometheus.yml');
  writeFileSync(file, config);
  const { status, stdout, stderr } = promtool('check', 'config', file);
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /4 rules found/);
});

test('promtool runs RempartFailurePredicted: while something is foreseen, by what and which', { skip }, () => {
  const file = join(dir, 'foreseen.yml');
  const labels = { job: 'rempart', what: 'latency', target: 'main' };
  const series = 'rempart_failure_predicted_in_seconds{job="rempart",instance="a",what="latency",target="main"}';
  const summary = 'Something will fail soon if it goes on like this';
  const on = { exp_labels: { ...labels, severity: 'medium' }, exp_annotations: { summary } };
  const alertname = 'RempartFailurePredicted';
  const tests = [
    {
      interval: '15s',
      input_series: [{ series, values: '_x4 120 90 0 stale' }],
      alert_rule_test: [
        { eval_time: '45s', alertname, exp_alerts: [] },
        { eval_time: '1m30s', alertname, exp_alerts: [on] },
        { eval_time: '1m45s', alertname, exp_alerts: [] },
      ],
    },
  ];
  writeFileSync(file, stringify({ rule_files: [rulesFile], evaluation_interval: '15s', tests }));
  const { status, stdout, stderr } = promtool('test', 'rules', file);
  assert.equal(status, 0, stdout + stderr);
});

for (const [index, { title, series, alert, on }] of cases.entries())
  test(`promtool runs ${alert}: ${title}`, { skip }, () => {
    const file = join(dir, `case-${index}.yml`);
    writeFileSync(file, stringify({ rule_files: [rulesFile], evaluation_interval: '15s', tests: [unit()] }));
    const { status, stdout, stderr } = promtool('test', 'rules', file);
    assert.equal(status, 0, stdout + stderr);

    function unit() {
      const { severity, summary } = rulesByAlert.get(alert)!;
      const fired = { exp_labels: { job: 'rempart', severity }, exp_annotations: { summary } };
      return {
        interval: '15s',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        alert_rule_test: Object.entries(on).map(([at, firing]) => ({
          eval_time: at,
          alertname: alert,
          exp_alerts: firing ? [fired] : [],
        })),
      };
    }
  });

test('each series that the rules ask for is one that an instance has', async () => {
  const place = makePlace();
  const instance = await startInstance([], { cwd: place.dir });
  const page = await (await fetch(`${instance.consoleUrl}/metrics`)).text();
  await instance.stop();
  place.remove();
  const had = new Set(Array.from(page.matchAll(/^# TYPE (\w+)/gm), ([, name]) => name));
  const asked = new Set(prometheusRules().match(/\b\w+_(?:total|seconds)\b/g));
  assert.ok(asked.size >= 5, [...asked].join(' '));
  for (const name of asked) assert.ok(had.has(name), `${name} is on no page`);
});
