// `rempart posture attack URL`: hostile requests among ordinary ones, only against a machine whose owner agreed.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { RempartError } from '../platform/base/errors.ts';
import type { Attack, AttackLoad } from '../platform/documents/posture-attack.ts';
import { type AttackParts, attack } from '../protect/posture/attack/attack.ts';
import { isLocalUrl } from '../simulate/targets/loopback.ts';
import { type CommandInput, usageError, wholeNumber } from './command.ts';

export async function attackPosture(input: CommandInput): Promise<number> {
  const [url, extra] = input.args;
  if (extra !== undefined) throw usageError(input, 'posture', 'cli.usage.argument.unexpected', { argument: extra });
  const read = url === undefined ? null : URL.parse(url);
  if (url === undefined || read === null || !/^https?:$/.test(read.protocol))
    throw usageError(input, 'posture', 'posture.usage.url', { given: url ?? '' });
  const text = input.options['i-am-authorised'];
  const authorisation = typeof text === 'string' ? text : null;
  if (authorisation === null && !isLocalUrl(url))
    throw new RempartError('ERR_TARGET_NOT_LOCAL', { host: read.hostname });
  const { model } = input.options;
  const seconds = wholeNumber(input, 'posture', 'for', { min: 1, max: 3_600 }) ?? 20;
  const ratePerSecond = wholeNumber(input, 'posture', 'rate', { min: 1, max: 2_000 }) ?? 10;
  input.stderr.write(`${input.say('posture.attack.start', { rate: ratePerSecond, seconds })}\n`);
  const done = await attack(
    { send: sender(read.hostname), now: () => Math.round(performance.timeOrigin + performance.now()) },
    {
      url,
      model: typeof model === 'string' ? model : 'rempart-standin',
      key: keyOf(input, 'key'),
      hostileKey: keyOf(input, 'hostile-key'),
      ratePerSecond,
      seconds,
      authorisation,
      signal: input.signal,
    },
  );
  if (input.json) input.stdout.write(`${JSON.stringify(done)}\n`);
  else input.stdout.write(`${asText(done, input).join('\n')}\n`);
  if (input.signal.aborted) return 130;
  return done.verdict === 'held' ? 0 : done.verdict === 'not-assessed' ? 3 : 1;
}

/** Towards 127.0.0.1 the hostile share comes from 127.0.0.2: what a guard does to an address is not done to ordinary users. */
function sender(host: string): AttackParts['send'] {
  const ordinary = new Agent();
  // Linux answers for all of 127/8; other systems for 127.0.0.1 alone.
  const apart = host === '127.0.0.1' && process.platform === 'linux';
  const hostile = new Agent(apart ? { localAddress: '127.0.0.2' } : {});
  return async (url, headers, body, signal, who) => {
    const dispatcher = who === 'hostile' ? hostile : ordinary;
    const answer = await request(url, { method: 'POST', headers, body, signal, dispatcher });
    await answer.body.dump();
    return answer.statusCode;
  };
}

function keyOf(input: CommandInput, option: 'key' | 'hostile-key'): string | undefined {
  const key = input.options[option];
  if (typeof key !== 'string') return undefined;
  const [, kind, rest = ''] = /^(env|file):(.+)$/.exec(key) ?? [];
  // A key on the command line would be in the list of processes.
  if (kind === undefined) throw usageError(input, 'posture', 'posture.usage.key');
  try {
    const found = kind === 'env' ? input.env[rest] : readFileSync(rest, 'utf8').trim();
    if (found !== undefined && found !== '') return found;
  } catch {
    // Said below, the same as for a variable that is not set.
  }
  throw new RempartError('ERR_SECRET_MISSING', { path: `--${option}`, name: key });
}

function asText(done: Attack, { say }: CommandInput): string[] {
  const { hostile, ordinary, verdict } = done;
  const passed = hostile.filter((one) => one.passed > 0).map(({ id }) => id);
  const load = ({ sent, failed, p50, p95 }: AttackLoad) => ({ sent, failed, p50: p50 ?? '–', p95: p95 ?? '–' });
  return [
    ...hostile.map(({ id, sent, refused, passed, unanswered }) =>
      say('posture.attack.line', { id, sent, refused, passed, unanswered }),
    ),
    say('posture.attack.before', load(ordinary.before)),
    say('posture.attack.during', load(ordinary.during)),
    say(`posture.attack.${verdict}`),
    ...(verdict === 'passed' ? [say('posture.attack.passed.which', { which: passed.join(', ') })] : []),
    ...(verdict === 'not-assessed' ? [] : effect(done, say)),
  ];
}

/** What ordinary users had of it, in plain words. */
function effect({ ordinary: { before, during }, identities }: Attack, say: CommandInput['say']): string[] {
  const turnedAway = during.statuses['403'] ?? 0;
  return [
    during.failed === 0
      ? say('posture.attack.effect.none', { sent: during.sent })
      : say('posture.attack.effect.failed', { failed: during.failed, sent: during.sent, before: before.failed }),
    ...(before.p50 === null || during.p50 === null
      ? []
      : [say('posture.attack.effect.wait', { before: before.p50, during: during.p50 })]),
    ...(identities === 'shared' && turnedAway > 0 ? [say('posture.attack.effect.shared', { turnedAway })] : []),
  ];
}
