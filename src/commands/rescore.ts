// `rempart rescore DIR`: the score of a run again, from its evidence and rubric alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { computeReport, writeReport } from '../simulate/report/write-report.ts';
import type { Command } from './command.ts';

export const rescore: Command = {
  name: 'rescore',
  summary: 'simulate.rescore.summary',
  positionals: { name: 'DIR' },
  options: {},
  async run(input) {
    const [dir = ''] = input.args;
    const before = readIfThere(join(dir, 'report.json'));
    const report = computeReport(dir);
    const same = before === null || before === report.files['report.json'];
    // A report that does not follow from its evidence is not overwritten: it is what somebody was shown.
    if (same) writeReport(dir, report);
    const key =
      before === null ? 'simulate.rescore.written' : same ? 'simulate.rescore.same' : 'simulate.rescore.differs';
    input.stderr.write(`${input.say(key, { lines: report.lines })}\n`);
    if (input.json) input.stdout.write(`${JSON.stringify(report.doc)}\n`);
    return same ? 0 : 1;
  },
};

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
