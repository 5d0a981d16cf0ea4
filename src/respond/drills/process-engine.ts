// A container engine for machines without one: the Engine API on a Unix socket, over containers that are real child processes.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type ContainerSpec, createContainer, type LoggedLine, type ProcessContainer } from './process-container.ts';
import { createEvents } from './process-engine-events.ts';
import { shownContainer, shownInList, shownNetwork, shownProcesses, shownStats } from './process-engine-shapes.ts';

export interface ProcessEngine {
  socket: string;
  container(name: string): ProcessContainer | undefined;
  /** Makes anew what was removed, as building it again would. Resolves to the names. */
  recreate(): Promise<string[]>;
  close(): Promise<void>;
}

export interface ProcessEngineParts {
  /** For the containers' files and the socket; its path must be short. */
  dir: string;
  now: () => number;
  owned: (pid: number) => void;
}

interface Execution {
  id: string;
  container: ProcessContainer;
  command: string[];
  privileged: boolean;
  user: string;
  pid: number;
  running: boolean;
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  body: Record<string, unknown>;
}

const apiVersion = '1.41';

export async function startProcessEngine(
  { dir, now, owned }: ProcessEngineParts,
  specs: readonly ContainerSpec[],
): Promise<ProcessEngine> {
  const events = createEvents(now);
  const containers: ProcessContainer[] = [];
  const executions = new Map<string, Execution>();
  // A container that is made anew is reached where the one before was.
  const ports = new Map<string, number>();
  const create = async (spec: ContainerSpec) => {
    const container: ProcessContainer = await createContainer(
      {
        ...{ dir, now, owned, port: ports.get(spec.name) ?? 0 },
        tell: (action, more = {}) => events.tell('container', action, container, more),
      },
      spec,
    );
    containers.push(container);
    ports.set(spec.name, container.port);
    events.tell('container', 'create', container);
    await container.start();
  };
  await Promise.all(specs.map(create));
  const find = (word: string) =>
    containers.find(({ id, spec }) => spec.name === word || (word.length >= 8 && id.startsWith(word)));

  const server = createServer((request, response) => {
    answer(request, response).catch(() => send(response, 500, { message: 'the engine met an unexpected error' }));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL((request.url ?? '/').replace(/^\/v\d+\.\d+(?=\/)/, ''), 'http://engine');
    const call = { request, response, url, body: await readBody(request) };
    const [, kind = '', word = '', verb = ''] = url.pathname.split('/').map(decodeURIComponent);
    const name = `${request.method} ${kind}`;
    if (kind === '_ping') return sendText(response, 200, 'OK');
    if (kind === 'version')
      return send(response, 200, { ApiVersion: apiVersion, MinAPIVersion: '1.24', Os: 'linux', Version: 'processes' });
    if (kind === 'info') return send(response, 200, { Name: 'rempart-processes', Containers: containers.length });
    if (kind === 'events') return events.serve(call);
    if (name === 'GET containers' && word === 'json') return list(call);
    if (name === 'DELETE containers') return remove(call, word);
    if (kind === 'containers') return ofContainer(call, word, verb);
    if (kind === 'images') return send(response, 200, { ImagesDeleted: [], SpaceReclaimed: 0 });
    if (kind === 'networks') return ofNetwork(call, word, verb);
    if (kind === 'exec') return ofExecution(call, word, verb);
    return send(response, 404, { message: 'page not found' });
  }

  function list({ response, url }: Call): void {
    const all = ['1', 'true'].includes(url.searchParams.get('all') ?? '');
    const shown = containers.filter((one) => all || ['running', 'paused'].includes(one.status()));
    send(
      response,
      200,
      shown.map((one) => shownInList(one)),
    );
  }

  async function remove({ response }: Call, word: string): Promise<void> {
    const container = find(word);
    if (container === undefined) return send(response, 404, { message: `No such container: ${word}` });
    if (['running', 'paused'].includes(container.status()))
      return send(response, 409, { message: 'cannot remove a running container' });
    containers.splice(containers.indexOf(container), 1);
    await container.remove();
    events.tell('container', 'destroy', container);
    send(response, 204);
  }

  async function ofContainer(call: Call, word: string, verb: string): Promise<void> {
    const { request, response, url } = call;
    const container = find(word);
    if (container === undefined) return send(response, 404, { message: `No such container: ${word}` });
    const change = async (changed: boolean | Promise<boolean>, otherwise: number) =>
      send(response, (await changed) ? 204 : otherwise);
    const seconds = (fallback: number) => Number(url.searchParams.get('t') ?? fallback) * 1_000;
    switch (`${request.method} ${verb}`) {
      case 'GET json':
        return send(response, 200, shownContainer(container));
      case 'GET top':
        return send(response, 200, shownProcesses(container));
      case 'GET changes':
        return send(response, 200, container.changes());
      case 'GET logs':
        return sendLogs(response, url, container.log);
      case 'GET stats':
        return send(response, 200, shownStats(container, now()));
      case 'POST start':
        return change(container.start(), 304);
      case 'POST stop':
        return change(container.stop(seconds(10)), 304);
      case 'POST kill':
        return change(container.kill(signalOf(url.searchParams.get('signal'))), 409);
      case 'POST pause':
        return change(container.pause(), 409);
      case 'POST unpause':
        return change(container.unpause(), 409);
      case 'POST restart':
        await container.stop(seconds(10));
        await container.start();
        events.tell('container', 'restart', container);
        return send(response, 204);
      case 'POST exec':
        return prepare(call, container);
      default:
        return send(response, 404, { message: 'page not found' });
    }
  }

  async function prepare({ response, body }: Call, container: ProcessContainer): Promise<void> {
    if (container.status() !== 'running') return send(response, 409, { message: 'container is not running' });
    const id = [...crypto.getRandomValues(new Uint8Array(32))].map((n) => n.toString(16).padStart(2, '0')).join('');
    const command = Array.isArray(body['Cmd']) ? body['Cmd'].map(String) : [];
    const user = typeof body['User'] === 'string' ? body['User'] : '';
    executions.set(id, {
      id,
      container,
      command,
      user,
      privileged: body['Privileged'] === true,
      pid: 0,
      running: false,
    });
    events.tell('container', `exec_create: ${command.join(' ')}`, container, { execID: id });
    send(response, 201, { Id: id });
  }

  async function ofExecution({ request, response }: Call, word: string, verb: string): Promise<void> {
    const execution = executions.get(word);
    if (execution === undefined) return send(response, 404, { message: `No such exec instance: ${word}` });
    const { container, command, privileged, user } = execution;
    if (request.method === 'GET' && verb === 'json')
      return send(response, 200, {
        ID: word,
        ContainerID: container.id,
        Running: execution.running,
        Pid: execution.pid,
        ProcessConfig: { privileged, user, entrypoint: command[0] ?? '', arguments: command.slice(1) },
      });
    const child = await container.exec(command);
    execution.pid = child.pid ?? 0;
    execution.running = true;
    events.tell('container', `exec_start: ${command.join(' ')}`, container, { execID: word });
    child.once('exit', (code) => {
      execution.running = false;
      events.tell('container', 'exec_die', container, { execID: word, exitCode: String(code ?? 137) });
    });
    send(response, 200);
  }

  async function ofNetwork({ request, response, body }: Call, word: string, verb: string): Promise<void> {
    const names = [...new Set(specs.flatMap(({ networks }) => networks))];
    const show = (name: string) => shownNetwork(name, containers);
    if (request.method === 'GET' && word === '') return send(response, 200, names.map(show));
    const name = names.find((one) => one === word || show(one).Id === word);
    if (name === undefined) return send(response, 404, { message: `network ${word} not found` });
    if (request.method === 'GET') return send(response, 200, show(name));
    const container = find(String(body['Container'] ?? ''));
    if (container === undefined) return send(response, 404, { message: 'No such container' });
    if (verb === 'connect') container.connect(name);
    else if (verb !== 'disconnect' || !container.disconnect(name))
      return send(response, 404, { message: `container is not connected to network ${name}` });
    events.tell('network', verb, container, { name });
    send(response, 200);
  }

  const socket = join(dir, 'engine.sock');
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  return {
    socket,
    container: find,
    async recreate() {
      const missing = specs.filter(({ name }) => find(name) === undefined);
      await Promise.all(missing.map(create));
      return missing.map(({ name }) => name);
    },
    async close() {
      events.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all(containers.map((container) => container.remove()));
    },
  };
}

function signalOf(given: string | null): NodeJS.Signals {
  const name = (given ?? 'SIGKILL').toUpperCase();
  return (name.startsWith('SIG') ? name : `SIG${name}`) as NodeJS.Signals;
}

/** Frames as the Engine API has them for a container without a terminal: stream, three zeros, length, payload. */
function sendLogs(response: ServerResponse, url: URL, log: readonly LoggedLine[]): void {
  const wanted = (stream: string) => ['1', 'true'].includes(url.searchParams.get(stream) ?? '');
  const since = Number(url.searchParams.get('since') ?? 0) * 1_000;
  const tail = url.searchParams.get('tail') ?? 'all';
  const stamps = wanted('timestamps');
  const lines = log.filter(({ at, stream }) => at >= since && wanted(stream));
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  for (const { at, stream, line } of tail === 'all' ? lines : lines.slice(-Number(tail))) {
    const payload = Buffer.from(`${stamps ? `${new Date(at).toISOString()} ` : ''}${line}\n`);
    const head = Buffer.alloc(8);
    head[0] = stream === 'stdout' ? 1 : 2;
    head.writeUInt32BE(payload.length, 4);
    response.write(Buffer.concat([head, payload]));
  }
  response.end();
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', 'api-version': apiVersion });
  response.end(text);
}
