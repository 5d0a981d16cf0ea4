// One activity carried out: an HTTP request or a process, and what came of it.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import { isLocalUrl } from '../targets/loopback.ts';
import type { HttpProvider, ProcessProvider } from './experiment.ts';

export interface ActParts {
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** Somebody answers for requests to other machines. */
  authorised: boolean;
  /** For what has no time limit of its own. */
  timeoutMs: number;
}

const mostOutput = 1024 * 1024;

/** Resolves to the activity's output; throws when it failed: no connection, no such program, too slow. An HTTP status is no failure. */
export function carryOut(provider: HttpProvider | ProcessProvider, parts: ActParts): Promise<Json> {
  return provider.type === 'http' ? callHttp(provider, parts) : runProcess(provider, parts);
}

async function callHttp(provider: HttpProvider, { signal, authorised, timeoutMs }: ActParts): Promise<Json> {
  const { method, verify_tls: verify, max_retries: retries } = provider;
  if (!authorised && !isLocalUrl(provider.url))
    throw new RempartError('ERR_TARGET_NOT_LOCAL', { host: new URL(provider.url).host });
  const headers = Object.fromEntries(Object.entries(provider.headers ?? {}).map(([name, to]) => [name, String(to)]));
  const { url, body } = place(provider, method.toUpperCase(), headers);
  const dispatcher = new Agent({ connect: { rejectUnauthorized: verify } });
  const limit = limitMs(provider.timeout) ?? timeoutMs;
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await fetch(url, {
          method: method.toUpperCase(),
          // An answer from here may point elsewhere.
          redirect: authorised ? 'follow' : 'manual',
          headers,
          body: body ?? null,
          dispatcher,
          signal: AbortSignal.any([signal, AbortSignal.timeout(limit)]),
        });
        const text = (await reply.text()).slice(0, mostOutput);
        const own = Object.fromEntries(reply.headers);
        return { status: reply.status, headers: own, body: bodyOf(text, own['content-type']) };
      } catch (error) {
        if (attempt >= retries || signal.aborted) throw error;
        await sleep(100);
      }
    }
  } finally {
    await dispatcher.destroy();
  }
}

/** JSON only where the reply says exactly so; JSON that is broken is what a broken service sends, and stays a text. */
function bodyOf(text: string, type: string | undefined): Json {
  if (type !== 'application/json') return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function place(
  provider: HttpProvider,
  method: string,
  headers: Record<string, string>,
): { url: string; body?: string } {
  const { url, arguments: given } = provider;
  if (given === undefined) return { url };
  const form = () =>
    new URLSearchParams(
      Object.entries(typeof given === 'object' && given !== null ? given : {}).map(([name, to]): [string, string] => [
        name,
        String(to),
      ]),
    ).toString();
  if (method === 'GET') return { url: `${url}${url.includes('?') ? '&' : '?'}${form()}` };
  const isJson = Object.entries(headers).some(([name, to]) => name === 'Content-Type' && to === 'application/json');
  if (isJson) return { url, body: JSON.stringify(given) };
  headers['content-type'] ??= 'application/x-www-form-urlencoded';
  return { url, body: typeof given === 'string' ? given : form() };
}

function runProcess(provider: ProcessProvider, { env, signal, timeoutMs }: ActParts): Promise<Json> {
  const { path, arguments: given } = provider;
  const command = typeof given === 'string' ? ['/bin/sh', '-c', `${path} ${given}`] : [path, ...listOf(given)];
  const limit = limitMs(provider.timeout) ?? timeoutMs;
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        if (out[name].length < mostOutput) out[name] += chunk.toString('utf8');
      });
    }
    let slow = false;
    const end = () => {
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const timer = setTimeout(() => {
      slow = true;
      end();
    }, limit);
    signal.addEventListener('abort', end, { once: true });
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('close', (code) => {
      done();
      if (slow) reject(new Error(`still running after ${limit / 1000} s`));
      else resolve({ status: code ?? -1, ...out });
    });
  });
}

/** What the process started goes with it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it ended in the meantime
  }
}

function listOf(given: Exclude<ProcessProvider['arguments'], string>): string[] {
  if (given === undefined) return [];
  const flat = Array.isArray(given) ? given : Object.entries(given).flat();
  return flat.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).filter((one) => one !== 'null');
}

function limitMs(timeout: HttpProvider['timeout']): number | undefined {
  if (timeout === undefined) return undefined;
  const given = Array.isArray(timeout) ? timeout[0] + timeout[1] : Number(timeout);
  return Number.isFinite(given) && given > 0 ? given * 1000 : undefined;
}
