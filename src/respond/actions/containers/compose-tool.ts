// The compose command of the container engine, for what its API cannot do: build images anew and make containers from them.
import { execFile } from 'node:child_process';
import { RempartError } from '../../../platform/base/errors.ts';

export interface ComposeTool {
  /** As it is told to people, e.g. `docker compose`. */
  name: string;
  /** Images anew, without what was kept of earlier builds; what it wrote. */
  build(signal: AbortSignal): Promise<string>;
  /** Containers from those images, none started; what it wrote. */
  create(signal: AbortSignal): Promise<string>;
}

export interface ComposeAt {
  /** Of the deployment profile. */
  file: string | undefined;
  /** Of the engine that the rest talks to. */
  socketPath?: string | undefined;
  /** PATH and HOME. */
  env: Readonly<Record<string, string | undefined>>;
}

const maxOutput = 16 * 1024 * 1024;
const candidates = [['docker', 'compose'], ['podman', 'compose'], ['docker-compose'], ['podman-compose']] as const;

/** The first one that answers. Throws ERR_COMPOSE_NONE. */
export async function findComposeTool({ file, socketPath, env }: ComposeAt): Promise<ComposeTool> {
  const given = {
    PATH: env['PATH'],
    HOME: env['HOME'],
    ...(socketPath === undefined
      ? {}
      : { DOCKER_HOST: `unix://${socketPath}`, CONTAINER_HOST: `unix://${socketPath}` }),
  };
  if (file !== undefined)
    for (const command of candidates)
      if ((await run(command, ['version'], given)).exit === 0) return toolOf(command, file, given);
  throw new RempartError('ERR_COMPOSE_NONE');
}

function toolOf(command: readonly string[], file: string, env: NodeJS.ProcessEnv): ComposeTool {
  const name = command.join(' ');
  const carryOut = async (args: readonly string[], signal: AbortSignal) => {
    const { exit, output } = await run(command, ['-f', file, ...args], env, signal);
    signal.throwIfAborted();
    if (exit !== 0) throw new RempartError('ERR_COMPOSE_FAILED', { command: `${name} ${args[0]}`, exit }, output);
    return output;
  };
  return {
    name,
    build: (signal) => carryOut(['build', '--no-cache'], signal),
    create: (signal) => carryOut(['up', '--no-start', '--force-recreate'], signal),
  };
}

function run(
  [program, ...first]: readonly string[],
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<{ exit: number; output: string }> {
  return new Promise((resolve) => {
    const how = { env, maxBuffer: maxOutput, encoding: 'utf8' as const, ...(signal === undefined ? {} : { signal }) };
    execFile(program!, [...first, ...args], how, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      // A program that is not there has a text for a code.
      resolve({ exit: typeof code === 'number' ? code : 127, output: `${stdout}${stderr}` });
    });
  });
}
