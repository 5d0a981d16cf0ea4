// `rempart posture harden`: a hardened deployment written into a folder, nothing overwritten unasked.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RempartError } from '../platform/base/errors.ts';
import { fileIssue } from '../platform/base/schema-issue.ts';
import { loadDeployment } from '../platform/documents/load-deployment.ts';
import { hardenedFiles } from '../protect/posture/harden/harden.ts';
import { type CommandInput, usageError } from './command.ts';

export const ownDeployment = join(import.meta.dirname, '..', '..', 'targets', 'deployments', 'rempart.yaml');

export async function hardenPosture(input: CommandInput): Promise<number> {
  const { out, profile, force } = input.options;
  const [extra] = input.args;
  if (extra !== undefined) throw usageError(input, 'posture', 'cli.usage.argument.unexpected', { argument: extra });
  if (typeof out !== 'string') throw usageError(input, 'posture', 'posture.usage.out');
  const deployment = loadDeployment(typeof profile === 'string' ? profile : ownDeployment);
  const files = Object.entries(hardenedFiles(deployment, { secureMode: input.options['secure-mode'] === true }));
  // All or nothing: half a deployment would look like a whole one.
  const present = files.map(([path]) => join(out, path)).find((path) => existsSync(path));
  if (present !== undefined && force !== true) throw new RempartError('ERR_OUTPUT_EXISTS', { file: present });
  for (const [path, { text, executable }] of files) write(join(out, path), text, executable === true);
  const written = files.map(([path]) => path);
  if (input.json)
    input.stdout.write(
      `${JSON.stringify({ schema: 'rempart/hardened@1', deployment: deployment.name, out, files: written })}\n`,
    );
  else
    input.stdout.write(
      `${[...written.map((path) => input.say('posture.text.written', { file: join(out, path) })), input.say('posture.harden.next', { out })].join('\n')}\n`,
    );
  return 0;
}

function write(file: string, text: string, executable: boolean): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, executable ? 0o755 : 0o644);
  } catch (error) {
    throw new RempartError('ERR_OUTPUT_UNWRITABLE', { file, what: fileIssue(error) }, error);
  }
}
