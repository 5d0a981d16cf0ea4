// `rempart playbook validate FILE…`: whether playbooks of CACAO v2 could be run here, and what is wrong with those that could not.
import { readPlaybookFile } from '../respond/playbooks/read-playbook.ts';
import { type Command, usageError } from './command.ts';

export const playbook: Command = {
  name: 'playbook',
  summary: 'playbook.summary',
  positionals: { name: 'validate FILE…', many: true },
  options: {},
  actions: { validate: { usage: 'validate FILE…', summary: 'playbook.validate.summary', options: [] } },
  more: 'playbook.more',
  async run(input) {
    const [action, ...files] = input.args;
    if (action !== 'validate')
      throw usageError(input, 'playbook', 'cli.usage.choice', { given: action ?? '', known: 'validate' });
    if (files.length === 0)
      throw usageError(input, 'playbook', 'cli.usage.argument.missing', {
        command: 'playbook validate',
        argument: 'FILE',
      });
    const { say } = input;
    const checked = [];
    for (const file of files) {
      const read = await readPlaybookFile(file);
      const problems = (Array.isArray(read) ? read : read.problems).map(({ severity, at, rule, facts }) => ({
        severity,
        at,
        rule: rule.replace('playbook.lint.', ''),
        message: say(rule, facts),
      }));
      const runnable = problems.every(({ severity }) => severity !== 'error');
      checked.push({ file, name: Array.isArray(read) ? null : read.playbook.name, runnable, problems });
    }
    if (input.json)
      input.stdout.write(`${JSON.stringify({ schema: 'rempart/playbook-check@1', playbooks: checked })}\n`);
    else
      for (const { file, runnable, problems } of checked) {
        input.stdout.write(`${say(runnable ? 'playbook.runnable' : 'playbook.refused', { file })}\n`);
        for (const { severity, at, message } of problems)
          input.stdout.write(`  ${say(`playbook.${severity}`)}  ${printable(at)}: ${printable(message)}\n`);
      }
    return checked.every(({ runnable }) => runnable) ? 0 : 1;
  },
};

/** A playbook may be anybody's: nothing in it moves the cursor or turns the line round. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '�').slice(0, 300);
}
