// Containers of a sandbox where no engine is: child processes behind an engine of our own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answersAt, askEngine, type DrillContainers, execInside, mainPid } from './drill-containers.ts';
import { ownProcess } from './owned.ts';
import { startProcessEngine } from './process-engine.ts';

export interface ContainersAt {
  /** The sandbox's directory. */
  dir: string;
  names: readonly string[];
}

const network = 'drill-private';
/** An idle container takes a third of it. */
const memoryBytes = 200 * 1_048_576;

export async function startProcessContainers({ dir, names }: ContainersAt): Promise<DrillContainers> {
  const at = join(dir, 'engine');
  mkdirSync(at, { recursive: true, mode: 0o700 });
  const engine = await startProcessEngine(
    { dir: at, now: Date.now, owned: (pid) => ownProcess(dir, pid) },
    names.map((name) => ({ name, image: 'rempart-drill:1', networks: [network], memoryBytes })),
  );
  const { socket } = engine;
  const url = (name: string) => `http://127.0.0.1:${engine.container(name)?.port ?? 0}`;
  const urls = Object.fromEntries(names.map((name) => [name, url(name)]));
  const tell = async (name: string, path: string, body?: string) => {
    await fetch(`${url(name)}${path}`, { method: 'POST', ...(body === undefined ? {} : { body }) });
  };
  return {
    kind: 'processes',
    socket,
    names,
    network,
    urls,
    pid: (name) => mainPid(socket, name),
    answers: (name) => answersAt(url(name)),
    async breakIn(name) {
      const id = await execInside(socket, name, ['sleep', '600']);
      const { value } = await askEngine(socket, 'GET', `/exec/${id}/json`);
      return (value as { Pid?: number }).Pid ?? null;
    },
    say: (name, line) => tell(name, '/log', line),
    grow: (name, megabytes) => tell(name, `/grow?mb=${megabytes}`),
    async rebuild() {
      await engine.recreate();
    },
    close: () => engine.close(),
  };
}
