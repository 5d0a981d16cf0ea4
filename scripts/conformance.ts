// `npm run conformance -- DIR`: what Rempart writes, held against the schemas of others that lie in DIR. One file a check under conformance/.
import { existsSync } from 'node:fs';
import { checkCacao, checkPublicCacao } from './conformance/cacao.ts';
import { checkCompose } from './conformance/compose.ts';
import { checkOcsf } from './conformance/ocsf.ts';
import { type Checked, checkSarif } from './conformance/sarif.ts';

const checks: readonly ((dir: string) => Checked | Promise<Checked>)[] = [
  checkCacao,
  checkPublicCacao,
  checkCompose,
  checkOcsf,
  checkSarif,
];

const [dir] = process.argv.slice(2);
if (dir === undefined || !existsSync(dir)) {
  console.error('conformance needs a folder with the reference schemas: npm run conformance -- DIR');
  process.exitCode = 2;
} else {
  for (const check of checks) {
    const { what, checked, problems, lines = [] } = await check(dir);
    for (const line of lines) console.log(`  ${line}`);
    for (const problem of problems) console.error(`${what}: ${problem}`);
    console.log(`${what}: ${checked} documents, ${problems.length} problems`);
    // Nothing checked is nothing proved.
    if (problems.length > 0 || checked === 0) process.exitCode = 1;
  }
}
