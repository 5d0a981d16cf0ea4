// `rempart target check PROFILE`: what of a target profile works, before anything is broken.
import { resolve } from 'node:path';
import { checkText } from '../simulate/report/target-check-text.ts';
import { words } from '../simulate/report/text.ts';
import { checkTarget } from '../simulate/scenarios/check-target.ts';
import { refuseStrangers } from '../simulate/targets/loopback.ts';
import { loadProfile } from '../simulate/targets/profile.ts';
import { type Command, usageError } from './command.ts';

export const target: Command = {
  name: 'target',
  summary: 'report.target.summary',
  positionals: { name: 'check PROFILE', many: true },
  options: {
    'i-am-authorised': { type: 'string', value: 'TEXT', summary: 'simulate.cli.authorised' },
  },
  async run(input) {
    const [action, file, extra] = input.args;
    if (action !== 'check')
      throw usageError(input, 'target', 'cli.usage.choice', { given: action ?? '', known: 'check' });
    if (file === undefined)
      throw usageError(input, 'target', 'cli.usage.argument.missing', { command: 'target check', argument: 'PROFILE' });
    if (extra !== undefined) throw usageError(input, 'target', 'cli.usage.argument.unexpected', { argument: extra });
    const profile = loadProfile(file);
    if (input.options['i-am-authorised'] === undefined) refuseStrangers(profile);
    const undoDir = resolve(input.data, 'undo');
    const found = await checkTarget({ profile, undoDir, env: input.env, signal: input.signal });
    if (input.signal.aborted) return 130;
    const { say } = input;
    const methods = found.methods.map(({ why, ...one }) => ({ ...one, ...(why === null ? {} : { why: say(why) }) }));
    input.stdout.write(input.json ? `${JSON.stringify({ ...found, methods })}\n` : checkText(found, words(input.lang)));
    if (!found.reachable) return 3;
    return found.findings.some(({ state }) => state === 'fails') ? 1 : 0;
  },
};
