// What goes wrong on a day on which something does: each as the detectors would meet it.
import { inspectedSchema } from '../src/platform/containers/engine-answers.ts';
import type { Signal, SignalKind } from '../src/platform/signals.ts';
import type { DayRig } from './detect-day-rig.ts';

export interface Attack {
  name: string;
  type: string;
  /** Begins it; may go on for some seconds of the simulated clock. */
  begin(rig: DayRig): Promise<void> | void;
}

const signal =
  (kind: SignalKind, severity: Signal['severity'], facts: Signal['facts'] = {}) =>
  ({ signals, timers }: DayRig) =>
    signals.emit({ kind, severity, facts, time: timers.now() });

let auditId = 900_000;

export const attacks: readonly Attack[] = [
  {
    name: 'provider refuses the key',
    type: 'provider-key-compromised',
    begin: signal('provider-key-compromised', 'critical', { provider: 'a', key: 0 }),
  },
  {
    name: 'provider does not answer',
    type: 'provider-unavailable',
    begin: signal('provider-unavailable', 'high', { provider: 'b' }),
  },
  { name: 'network is cut', type: 'network-cut', begin: signal('network-cut', 'high', { provider: 'c' }) },
  { name: 'database is down', type: 'database-down', begin: signal('database-down', 'high', { cause: 'unreachable' }) },
  { name: 'quota is spent', type: 'quota-exhausted', begin: signal('quota-exhausted', 'high', { provider: 'd' }) },
  {
    name: 'machine out of memory',
    type: 'host-overload',
    begin: signal('host-overload', 'high', { cpuPressure: 0.9, memoryPressure: 0.8, eventLoopDelayMs: 90 }),
  },
  {
    name: 'address locked out',
    type: 'unauthorised-access',
    begin: signal('brute-force', 'high', { source: '198.51.100.1', failures: 60 }),
  },
  {
    name: 'code is to be run',
    type: 'prompt-injection',
    begin: signal('code-execution-attempt', 'high', { role: 'user', action: 'block', score: 0.95, credential: 'evil' }),
  },
  {
    name: 'model was changed',
    type: 'llm-poisoning',
    begin: signal('model-integrity', 'critical', { what: 'layer', model: 'm:7b' }),
  },
  {
    name: 'configuration was changed',
    type: 'configuration-drift',
    begin: signal('configuration-drift', 'medium', { area: 'config', changes: 1 }),
  },
  {
    name: 'prompts attacked in series',
    type: 'suspicious-patterns',
    async begin(rig) {
      for (let count = 0; count < 15; count++) {
        signal('prompt-attack', 'medium', { category: 'jailbreak', action: 'block', score: 0.9 })(rig);
        await rig.timers.pass(2_000);
      }
    },
  },
  {
    name: 'process killed for memory',
    type: 'memory-exhaustion',
    begin: (rig) => rig.line('app.log', 'kernel: Out of memory: Killed process 77 (node)'),
  },
  {
    name: 'log entry forged',
    type: 'log-injection',
    begin: (rig) => rig.line('web.log', 'INFO name=x\u001b[1A\u001b[2K\r2026-01-01T10:00:00Z INFO login admin ok'),
  },
  {
    name: 'passwords tried by SSH',
    type: 'unauthorised-access',
    async begin(rig) {
      for (let count = 0; count < 20; count++) {
        rig.line('auth.log', `sshd[1]: Failed password for root from 198.51.100.9 port ${count} ssh2`);
        await rig.timers.pass(1_000);
      }
    },
  },
  {
    name: 'container opens the engine',
    type: 'container-escape',
    begin(rig) {
      const head = `msg=audit(${Math.floor(rig.timers.now() / 1_000)}.000:${++auditId}):`;
      rig.audit(
        `type=SYSCALL ${head} arch=c000003e syscall=42 success=yes uid=100000 auid=4294967295 exe="/tmp/x" subj=docker-default`,
      );
      rig.audit(`type=PATH ${head} name="/var/run/docker.sock"`);
      rig.audit(`type=EOE ${head} `);
    },
  },
  {
    name: 'container with the host in it',
    type: 'container-escape',
    begin(rig) {
      rig.containers['evil'] = inspectedSchema.parse({
        Id: 'evil',
        Name: '/evil',
        Config: {},
        HostConfig: { Privileged: true, Binds: ['/:/h'] },
      });
      rig.container({ action: 'start', name: 'evil' });
    },
  },
  {
    name: 'state cut off',
    type: 'state-corruption',
    begin: (rig) => rig.damageState(),
  },
  {
    name: 'credentials guessed',
    type: 'unauthorised-access',
    async begin(rig) {
      for (let count = 0; count < 25; count++) {
        const event = {
          class_uid: 3002,
          status_id: 2,
          status_detail: 'unknown',
          src_endpoint: { ip: '198.51.100.77' },
        };
        rig.record(event, rig.timers.now());
        await rig.timers.pass(1_000);
      }
    },
  },
  {
    name: 'flood of requests',
    type: 'denial-of-service',
    async begin(rig) {
      for (let count = 0; count < 30; count++) {
        rig.counted.requests += 300;
        await rig.timers.pass(1_000);
      }
    },
  },
  {
    name: 'errors of a service soar',
    type: 'performance-anomaly',
    async begin(rig) {
      for (let count = 0; count < 12; count++) {
        rig.counted.errors += 200;
        await rig.timers.pass(10_000);
      }
    },
  },
];
