// Faults on the way to the upstream below HTTP: the listener closed, or present and never answering a connection.
import type { BeginParts, Begun } from './begun.ts';

export async function refuse({ proxy, now }: BeginParts): Promise<Begun> {
  await proxy.refuse();
  const refused = await isRefused(proxy.url);
  const end = async () => {
    await proxy.listen();
    return {
      t: now(),
      proved: refused,
      proof: refused ? 'a connection of our own was refused' : 'a connection of our own went through',
    };
  };
  return { proved: refused, proof: 'the listener is closed', end };
}

async function isRefused(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1000) });
    return false;
  } catch (error) {
    return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
  }
}
