// Processes as the kernel tells of them: who runs, what each has open, what it may do.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface HostProcess {
  pid: number;
  parent: number;
  uid: number;
  name: string;
  /** With its arguments; empty for a thread of the kernel. */
  command: string;
  /** Effective capabilities as hexadecimal, proc(5) CapEff. */
  capabilities: string;
}

/** Those that could be read; one that ends meanwhile is left out. */
export function processesHere(proc = '/proc'): HostProcess[] {
  return pidsIn(proc).flatMap((pid) => {
    try {
      return [processOf(proc, pid)];
    } catch {
      return [];
    }
  });
}

function pidsIn(proc: string): number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Throws when there is no such process. */
export function processOf(proc: string, pid: number): HostProcess {
  const status = readFileSync(join(proc, String(pid), 'status'), 'latin1');
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
  const command = readFileSync(join(proc, String(pid), 'cmdline'), 'utf8')
    .replaceAll('\0', ' ')
    .trim();
  return {
    pid,
    parent: Number(field('PPid')),
    uid: Number(field('Uid')),
    name: field('Name'),
    command,
    capabilities: field('CapEff'),
  };
}

/** Where each of its descriptors leads, e.g. `/var/log/x`, `socket:[123]`, `/tmp/x (deleted)`; undefined when it may not be seen. */
export function openFilesOf(proc: string, pid: number): string[] | undefined {
  const folder = join(proc, String(pid), 'fd');
  try {
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(join(folder, name))];
      } catch {
        return [];
      }
    });
  } catch {
    return undefined;
  }
}

export interface HostMount {
  target: string;
  type: string;
  source: string;
  options: string;
}

/** proc(5), /proc/PID/mountinfo. */
export function mountsHere(proc = '/proc', pid: number | 'self' = 'self'): HostMount[] | undefined {
  try {
    const text = readFileSync(join(proc, String(pid), 'mountinfo'), 'utf8');
    return text.split('\n').flatMap((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [, , , , target, options = ''] = left.split(' ');
      const [type = '', source = ''] = right.split(' ');
      return target === undefined ? [] : [{ target: unescaped(target), type, source: unescaped(source), options }];
    });
  } catch {
    return undefined;
  }
}

/** Spaces and the like stand in octal. */
const unescaped = (text: string) =>
  text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
