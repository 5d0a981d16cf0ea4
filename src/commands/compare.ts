// `rempart compare DIR DIR`: two runs side by side, each recomputed from its own evidence.
import { compareRuns } from '../simulate/report/compare.ts';
import { comparisonText } from '../simulate/report/compare-text.ts';
import { words } from '../simulate/report/text.ts';
import { computeReport } from '../simulate/report/write-report.ts';
import { type Command, usageError } from './command.ts';

export const compare: Command = {
  name: 'compare',
  summary: 'report.compare.summary',
  positionals: { name: 'DIR DIR', many: true },
  options: {},
  async run(input) {
    const [before, after, extra] = input.args;
    if (extra !== undefined) throw usageError(input, 'compare', 'cli.usage.argument.unexpected', { argument: extra });
    if (before === undefined || after === undefined)
      throw usageError(input, 'compare', 'cli.usage.argument.missing', { command: 'compare', argument: 'DIR DIR' });
    // Not from report.json: what is compared follows from the evidence, or it is not compared.
    const comparison = compareRuns(computeReport(before, input.lang).doc, computeReport(after, input.lang).doc);
    input.stdout.write(input.json ? `${JSON.stringify(comparison)}\n` : comparisonText(comparison, words(input.lang)));
    return comparison.worse ? 1 : 0;
  },
};
