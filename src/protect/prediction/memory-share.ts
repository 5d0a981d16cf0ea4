// How much of the memory that this process may have is used: of the machine, or of its container where that has less.
import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';

/** Where the machine, as the host monitor sees it, is out of memory. */
const full = 0.94;

/** 1: nothing is left. Undefined where the system does not tell. */
export function hostShare(): number | undefined {
  const info = read('/proc/meminfo');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(info)?.[1]);
  const machine = 1 - kib('MemAvailable') / kib('MemTotal');
  const shares = [machine, containerShare()].filter((share): share is number => Number.isFinite(share));
  return shares.length === 0 ? undefined : Math.max(...shares) / full;
}

/** cgroup v2: what is used without the file cache that can be given back. */
function containerShare(): number {
  const most = Number(read('/sys/fs/cgroup/memory.max'));
  const current = Number(read('/sys/fs/cgroup/memory.current'));
  const idle = Number(/^inactive_file (\d+)/m.exec(read('/sys/fs/cgroup/memory.stat'))?.[1] ?? 0);
  return most > 0 && current > 0 ? Math.max(0, current - idle) / most : Number.NaN;
}

export function heapShare(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used / limit;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
