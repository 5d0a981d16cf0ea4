// A container engine for tests: containers that are only states, over a real socket; it can be told to misbehave.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ContainerEngine, openContainerEngine } from '../../../platform/containers/container-engine.ts';
import { type Deployment, deploymentSchema } from '../../../platform/documents/deployment.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import { createEvidence } from '../evidence.ts';
import { containerActions } from './container-actions.ts';
import type { ContainerParts } from './parts.ts';

/** In the shape of a provider's token; put together here, so that no scanner takes it for one that leaked. */
export const secretOfProcess = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;

export interface FakeContainer {
  name: string;
  state: string;
  labels?: Record<string, string>;
  networks?: string[];
  networkMode?: string;
  health?: string;
  log?: string;
  started?: number;
  /** Starts again as often as it is killed, by a restart policy. */
  revives?: number;
}

export interface Rig {
  containers: Map<string, FakeContainer>;
  /** Every POST and DELETE, e.g. `kill app`. */
  calls: string[];
  /** Answers with this status instead, for paths that match. */
  fail: { path: RegExp; status: number } | undefined;
  engine: ContainerEngine;
  evidenceDir: string;
  parts: ContainerParts;
  action(name: string): Action;
  close(): Promise<void>;
}

export const profile = (services: object[]): Deployment => deploymentSchema.parse({ name: 'shop', services });

export const idOf = (name: string) => Buffer.from(name.padEnd(32, '.')).toString('hex').slice(0, 64);

export async function startRig(
  deployment: Deployment | undefined,
  containers: FakeContainer[],
  more: Partial<ContainerParts> = {},
): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-rig-'));
  const socketPath = join(dir, 'engine.sock');
  const byName = new Map(containers.map((one) => [one.name, one]));
  const rig = { containers: byName, calls: [] as string[], fail: undefined as Rig['fail'] };
  const server = createServer((request, response) => void answer(rig, request, response));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const engine = openContainerEngine({ socketPath, timeoutMs: 5_000 });
  const evidenceDir = join(dir, 'evidence');
  const parts: ContainerParts = {
    deployment,
    engine: () => engine,
    protected: [],
    evidence: createEvidence(evidenceDir),
    health: { fetch },
    compose: () => Promise.reject(new Error('none here')),
    settleMs: 1_000,
    ...more,
  };
  const actions = containerActions(parts);
  return Object.assign(rig, {
    engine,
    evidenceDir,
    parts,
    action: (name: string) => actions.find((one) => one.name === name)!,
    async close() {
      await engine.close();
      server.closeAllConnections();
      server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  });
}

export function contextFor(key = 'key', more: Partial<ActionContext> = {}): ActionContext {
  return {
    incident: 'incident-1',
    run: 'run-1',
    idempotencyKey: key,
    now: Date.now,
    signal: new AbortController().signal,
    outArgs: [],
    ...more,
  };
}

type Told = Pick<Rig, 'containers' | 'calls' | 'fail'>;

async function answer(rig: Told, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://engine');
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const send = (status: number, value?: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(value === undefined ? undefined : JSON.stringify(value));
  };
  let text = '';
  for await (const chunk of request) text += String(chunk);
  if (rig.fail?.path.test(url.pathname)) return send(rig.fail.status, { message: 'told to fail' });
  if (url.pathname === '/version') return send(200, { Version: '1', ApiVersion: '1.41' });
  if (url.pathname === '/containers/json') return send(200, [...rig.containers.values()].map(inList));
  if (parts[0] === 'networks') return send(200, network(rig, parts, text));
  if (url.pathname === '/images/prune') return send(200, { ImagesDeleted: [{}], SpaceReclaimed: 7 });
  const one = [...rig.containers.values()].find(({ name }) => name === parts[1] || idOf(name) === parts[1]);
  if (one === undefined) return send(404, { message: 'no such container' });
  if (request.method === 'GET' && parts[2] === 'json') return send(200, inspected(one));
  if (request.method === 'GET' && parts[2] === 'top')
    return send(200, {
      Titles: ['PID', 'PPID', 'USER', 'COMMAND'],
      Processes: [['1', '0', 'root', `app --token ${secretOfProcess}`]],
    });
  if (request.method === 'GET' && parts[2] === 'changes') return send(200, [{ Path: '/etc/passwd', Kind: 0 }]);
  if (request.method === 'GET' && parts[2] === 'logs') {
    const header = Buffer.alloc(8);
    header[0] = 1;
    header.writeUInt32BE(Buffer.byteLength(one.log ?? ''), 4);
    return void response.end(Buffer.concat([header, Buffer.from(one.log ?? '')]));
  }
  const verb = request.method === 'DELETE' ? 'remove' : (parts[2] ?? '');
  rig.calls.push(`${verb} ${one.name}`);
  if (verb === 'remove') rig.containers.delete(one.name);
  return send(change(one, verb));
}

function change(one: FakeContainer, verb: string): number {
  const to = {
    kill: 'exited',
    stop: 'exited',
    pause: 'paused',
    start: 'running',
    restart: 'running',
    unpause: 'running',
  }[verb];
  if (verb === 'kill' && one.state === 'exited') return 409;
  if (verb === 'pause' && one.state !== 'running') return 409;
  if ((verb === 'start' || verb === 'restart') && to !== undefined) one.started = (one.started ?? 0) + 1;
  one.state = to ?? one.state;
  if (verb === 'kill' && (one.revives ?? 0) > 0) {
    one.revives = (one.revives ?? 0) - 1;
    one.state = 'running';
  }
  return 204;
}

function network(rig: Told, [, name = '', verb = '']: string[], text: string): unknown {
  if (verb === '') return [];
  const { Container } = JSON.parse(text) as { Container: string };
  const one = [...rig.containers.values()].find((each) => idOf(each.name) === Container);
  if (one === undefined) return {};
  rig.calls.push(`${verb} ${one.name} ${name}`);
  const others = (one.networks ?? []).filter((each) => each !== name);
  one.networks = verb === 'connect' ? [...others, name] : others;
  return {};
}

const attached = ({ networks = [] }: FakeContainer) => ({
  Networks: Object.fromEntries(networks.map((name) => [name, { IPAddress: '10.0.0.2', Aliases: ['web'] }])),
});

const inList = (one: FakeContainer) => ({
  Id: idOf(one.name),
  Names: [`/${one.name}`],
  State: one.state,
  Labels: one.labels ?? {},
  NetworkSettings: attached(one),
});

const inspected = (one: FakeContainer) => ({
  Id: idOf(one.name),
  Name: `/${one.name}`,
  State: {
    Status: one.state,
    Running: one.state === 'running' || one.state === 'paused',
    Paused: one.state === 'paused',
    StartedAt: `2026-01-01T00:00:0${one.started ?? 0}Z`,
    Health: { Status: one.health ?? '' },
  },
  Config: {},
  HostConfig: { NetworkMode: one.networkMode ?? 'bridge' },
  NetworkSettings: attached(one),
});
