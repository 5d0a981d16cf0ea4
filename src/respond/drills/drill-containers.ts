// The containers of a sandbox, as a drill causes things in them and looks at them from outside the engine.
import type { DrillEngine } from '../../platform/documents/drill.ts';

export interface DrillContainers {
  kind: DrillEngine;
  socket: string;
  names: readonly string[];
  /** The network that all of them are in. */
  network: string;
  /** Where the host reaches each: a port on loopback that leads to it while it runs and is connected. */
  urls: Readonly<Record<string, string>>;
  /** The kernel's number of its first process; null when there is none. */
  pid(name: string): Promise<number | null>;
  /** Whether it answers from where the host reaches it. */
  answers(name: string): Promise<boolean>;
  /** A further process in it, as somebody who broke in would start one. Resolves to the kernel's number of it. */
  breakIn(name: string): Promise<number | null>;
  /** A line in its log. */
  say(name: string, line: string): Promise<void>;
  /** Makes it take so much memory and keep it. */
  grow(name: string, megabytes: number): Promise<void>;
  /** Makes anew what was removed. */
  rebuild(): Promise<void>;
  close(): Promise<void>;
}

/** One question to the engine itself, past everything of Rempart's. */
export async function askEngine(
  socketPath: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<{ status: number; value: unknown }> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request({ socketPath, method, path: `/v1.41${path}`, headers }, async (response) => {
      try {
        let text = '';
        for await (const chunk of response) text += String(chunk);
        resolve({ status: response.statusCode ?? 0, value: parsed(text) });
      } catch (error) {
        reject(error);
      }
    });
    sent.once('error', reject);
    sent.setTimeout(15_000, () => sent.destroy(new Error('the engine does not answer')));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export async function answersAt(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}

/** Starts a process in a container over the engine's API, privileged and as root. */
export async function execInside(socket: string, name: string, command: readonly string[]): Promise<string> {
  const made = await askEngine(socket, 'POST', `/containers/${name}/exec`, {
    Cmd: command,
    Privileged: true,
    User: '0',
    Tty: false,
    AttachStdout: false,
    AttachStderr: false,
  });
  const { Id } = made.value as { Id?: string };
  if (Id === undefined) throw new Error(`the engine starts nothing in ${name}: ${made.status}`);
  await askEngine(socket, 'POST', `/exec/${Id}/start`, { Detach: true, Tty: false });
  return Id;
}

export async function mainPid(socket: string, name: string): Promise<number | null> {
  const { value } = await askEngine(socket, 'GET', `/containers/${name}/json`);
  const pid = (value as { State?: { Pid?: number } }).State?.Pid ?? 0;
  return pid === 0 ? null : pid;
}
