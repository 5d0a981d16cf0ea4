// `rempart posture scan|harden|…`: what is exposed or weakly set, and what would be better.
import { type Command, type CommandInput, usageError } from './command.ts';
import { attackPosture } from './posture-attack.ts';
import { driftPosture } from './posture-drift.ts';
import { hardenPosture } from './posture-harden.ts';
import { monitorNetwork, showPlan, showRisks } from './posture-plan.ts';
import { scanPosture } from './posture-scan.ts';

const actions: Readonly<Record<string, (input: CommandInput) => Promise<number>>> = {
  scan: scanPosture,
  harden: hardenPosture,
  risks: showRisks,
  plan: showPlan,
  monitor: monitorNetwork,
  attack: attackPosture,
  drift: driftPosture,
};

export const posture: Command = {
  name: 'posture',
  summary: 'posture.cli.summary',
  positionals: { name: Object.keys(actions).join('|'), many: true },
  more: 'posture.cli.more',
  options: {
    format: { type: 'string', value: 'sarif,json', summary: 'posture.cli.format' },
    out: { type: 'string', value: 'DIR', summary: 'posture.cli.out' },
    profile: { type: 'string', value: 'DEPLOYMENT', summary: 'posture.cli.profile' },
    'secure-mode': { type: 'boolean', summary: 'posture.cli.secure-mode' },
    force: { type: 'boolean', summary: 'posture.cli.force' },
    rate: { type: 'string', value: 'N', summary: 'posture.cli.rate' },
    for: { type: 'string', value: 'SECONDS', summary: 'posture.cli.for' },
    key: { type: 'string', value: 'env:NAME', summary: 'posture.cli.key' },
    'hostile-key': { type: 'string', value: 'env:NAME', summary: 'posture.cli.hostile-key' },
    model: { type: 'string', value: 'MODEL', summary: 'posture.cli.model' },
    'i-am-authorised': { type: 'string', value: 'TEXT', summary: 'posture.cli.authorised' },
    done: { type: 'string', value: 'ID', summary: 'posture.cli.done' },
    every: { type: 'string', value: 'SECONDS', summary: 'posture.cli.every' },
    times: { type: 'string', value: 'N', summary: 'posture.cli.times' },
    firewall: { type: 'string', value: 'FILE', summary: 'posture.cli.firewall' },
    patch: { type: 'string', value: 'FILE', summary: 'posture.cli.patch' },
    ignore: { type: 'string', value: 'GLOB,…', summary: 'posture.cli.ignore' },
    accept: { type: 'boolean', summary: 'drift.flag.accept' },
  },
  actions: {
    scan: {
      usage: 'scan [PATH…] [--ignore GLOB] [--format sarif] [--patch FILE] [--firewall FILE]',
      summary: 'posture.cli.scan',
      options: ['format', 'out', 'patch', 'firewall', 'ignore'],
    },
    harden: {
      usage: 'harden --out DIR [--profile DEPLOYMENT] [--secure-mode] [--force]',
      summary: 'posture.cli.harden',
      options: ['out', 'profile', 'secure-mode', 'force'],
    },
    risks: { usage: 'risks', summary: 'posture.cli.risks', options: [] },
    plan: { usage: 'plan [--done ID]', summary: 'posture.cli.plan', options: ['done'] },
    attack: {
      usage:
        'attack URL [--rate N] [--for SECONDS] [--key env:NAME] [--hostile-key env:NAME] [--model MODEL] [--i-am-authorised TEXT]',
      summary: 'posture.cli.attack',
      options: ['rate', 'for', 'key', 'hostile-key', 'model', 'i-am-authorised'],
    },
    monitor: {
      usage: 'monitor [--profile DEPLOYMENT] [--every SECONDS] [--times N]',
      summary: 'posture.cli.monitor',
      options: ['profile', 'every', 'times'],
    },
    drift: { usage: 'drift [PATH…] [--accept]', summary: 'drift.summary', options: ['accept'] },
  },
  async run(input) {
    const [name = '', ...args] = input.args;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined)
      throw usageError(input, 'posture', 'cli.usage.choice', { given: name, known: Object.keys(actions).join(', ') });
    return action({ ...input, args });
  },
};
