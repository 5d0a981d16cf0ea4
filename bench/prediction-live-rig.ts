// What the live measure of prediction starts, each a process of its own: instances, fault proxy, stand-ins; and how they are read and broken.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = join(import.meta.dirname, '..', 'bin', 'rempart.js');
export const clientKeys = Array.from({ length: 4 }, (_, index) => `live-key-${index}-0123456789abcdef0123456789abcdef`);

const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

/** Ends what was started, and waits until it is gone. */
export async function stopAll(): Promise<void> {
  await Promise.all(
    [...started].map(async (child) => {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    }),
  );
}

/** The command's first line, which is JSON; `told` gets its log, line by line. */
async function launch<T>(
  args: readonly string[],
  { cwd, env = {}, told }: { cwd?: string; env?: Record<string, string>; told?: (line: string) => void } = {},
): Promise<{ child: ChildProcess; hello: T }> {
  const child = spawn(process.execPath, [program, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', LANG: 'C', ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  started.add(child);
  child.once('exit', () => started.delete(child));
  createInterface({ input: child.stderr! }).on('line', (line) => told?.(line));
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line'),
    once(child, 'exit').then(() => {
      throw new Error(`rempart ${args.join(' ')} ended before it served`);
    }),
  ])) as [string];
  return { child, hello: JSON.parse(line) as T };
}

/** On a connection of its own: one that was kept may be closed by its other side while this one gets no turn. */
async function talk(method: string, url: string, body?: object): Promise<{ status: number; text: string }> {
  const sent = request(url, { method, agent: false });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, text };
}

export interface Standin {
  port: number;
  kill(): void;
}

export async function startStandin(): Promise<Standin> {
  const { child, hello } = await launch<{ url: string }>(['standin', '--port', '0']);
  return { port: Number(new URL(hello.url).port), kill: () => void child.kill('SIGKILL') };
}

/** One proxied provider: its faults are given their strength step by step. */
export interface Breakable {
  port: number;
  /** Answers take so long from now on, give or take two fifths; what is held back at that moment goes on at once. */
  slow(ms: number): Promise<void>;
  /** So much longer than until now, give or take as much; what is held back stays so. */
  slower(ms: number): Promise<void>;
  /** From now on this share of the calls is refused as by a provider in trouble. */
  fail(share: number): Promise<void>;
  silence(): Promise<void>;
}

export async function startFaultProxy(seed: number): Promise<(name: string, upstream: number) => Promise<Breakable>> {
  const { hello } = await launch<{ url: string }>(['proxy', '--admin', '127.0.0.1:0', '--seed', String(seed)]);
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const { status, text } = await talk(method, hello.url + path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  return async (name, upstream) => {
    const made = await call('POST', '/proxies', { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${upstream}` });
    const faults = `/rempart/proxies/${name}/faults`;
    let steps = 0;
    let failing: string | undefined;
    await call('PUT', `/rempart/proxies/${name}/protocol`, { protocol: 'http' });
    await call('POST', `/proxies/${name}/toxics`, { name: 'slow', type: 'latency', attributes: { latency: 0 } });
    // What now and then takes longer, as with any provider.
    await call('POST', faults, { name: 'tail', type: 'slow-first-token', share: 0.06, delayMs: 500 });
    return {
      port: Number((made as { listen: string }).listen.split(':').at(-1)),
      slow: async (ms) => {
        const attributes = { latency: Math.round(ms), jitter: Math.round(0.4 * ms) };
        await call('POST', `/proxies/${name}/toxics/slow`, { attributes });
      },
      async slower(ms) {
        const attributes = { latency: Math.round(ms), jitter: Math.round(ms) };
        await call('POST', `/proxies/${name}/toxics`, { name: `slower-${++steps}`, type: 'latency', attributes });
      },
      async fail(share) {
        const before = failing;
        failing = share > 0 ? `failing-${++steps}` : undefined;
        const error = steps % 2 === 0 ? 'overloaded' : 'server-error';
        if (failing !== undefined) await call('POST', faults, { name: failing, type: 'status', error, share });
        if (before !== undefined) await call('DELETE', `${faults}/${before}`);
      },
      silence: async () => void (await call('POST', faults, { name: 'silent', type: 'silent' })),
    };
  };
}

/** A signal of an instance, when it was heard. */
export interface Told {
  at: number;
  what: string;
  target: string;
  leadSeconds: number;
}

export interface Instance {
  gatewayUrl: string;
  /** Providers whose breaker is not closed now. */
  away(): Promise<readonly string[]>;
}

/** The product as a user starts it, every guard on. `providers`: name and port of each; its model has its name. */
export async function startInstance(
  dir: string,
  providers: readonly { name: string; port: number }[],
  { firstByteMs, told }: { firstByteMs: number; told: (signal: Told) => void },
): Promise<Instance> {
  mkdirSync(dir, { recursive: true });
  const keys = clientKeys.map((_, index) => `{ key: env:CLIENT_${index}, subject: user${index} }`);
  const lines = [
    'log: warn',
    `gateway: { timeouts: { firstByteMs: ${firstByteMs} } }`,
    'providers:',
    ...providers.map(({ name, port }) => `  - { name: ${name}, dialect: openai, url: 'http://127.0.0.1:${port}' }`),
    'routes:',
    ...providers.map(({ name }) => `  - { model: ${name}, targets: [{ provider: ${name}, model: gpt-4o-mini }] }`),
    `access: { keys: [${keys.join(', ')}] }`,
    'limits: { rules: [{ per: user, every: hour, requests: 1000000 }], sources: { requests: 1000000 }, concurrency: { perKey: 200 } }',
  ];
  writeFileSync(join(dir, 'rempart.yaml'), `${lines.join('\n')}\n`);
  const { hello } = await launch<{ gatewayUrl: string; consoleUrl: string }>(
    ['up', '--port', '0', '--console-port', '0'],
    {
      cwd: dir,
      env: Object.fromEntries(clientKeys.map((key, index) => [`CLIENT_${index}`, key])),
      told: (line) => hear(line, told),
    },
  );
  return {
    gatewayUrl: hello.gatewayUrl,
    async away() {
      const { text } = await talk('GET', `${hello.consoleUrl}/readyz`);
      const { dependencies } = JSON.parse(text) as {
        dependencies: { providers: Record<string, { state: string }> };
      };
      return Object.entries(dependencies.providers).flatMap(([name, { state }]) => (state === 'away' ? [name] : []));
    },
  };
}

function hear(line: string, told: (signal: Told) => void): void {
  if (!line.includes('"failure-predicted"')) return;
  const { facts } = JSON.parse(line) as { facts: Omit<Told, 'at'> };
  told({ ...facts, at: performance.now() });
}
