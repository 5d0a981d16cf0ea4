// Faults of configuration: the target is started again with one wrong setting, and with the right one to clear; places, keys and database stay.
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import type { Fault } from '../faults/fault.ts';
import type { BeginParts, Begun } from './begun.ts';

type Reconfigured = Extract<Fault, { type: 'reconfigured' }>;

export async function reconfigure(fault: Reconfigured, parts: BeginParts): Promise<Begun> {
  const wrong = await provedWrong(fault);
  if (wrong === null) return { impossible: 'what was meant to lead nowhere answers' };
  if (fault.how === 'invalid-key') parts.proxy.setFault(unknownKeyRefused);
  const before = parts.ledger.length;
  await parts.target.restart(fault.command);
  const end = async () => {
    const { proved, proof } = outcome(fault, parts, before);
    if (fault.how === 'invalid-key') parts.proxy.setFault(null);
    await parts.target.restart();
    return { t: parts.now(), proved, proof: `${wrong}; ${proof}` };
  };
  return { proved: true, proof: `restarted with another setting: ${wrong}`, end };
}

const unknownKeyRefused = { type: 'status', name: 'invalid-key', error: 'key-refused', keys: 'unknown' } as const;

/** A probe of our own on what the setting says; null when it is not wrong after all. */
async function provedWrong({ how, nowhere }: Reconfigured): Promise<string | null> {
  switch (how) {
    case 'wrong-url':
      return (await isUnknownHost(nowhere.host)) ? 'the host is unknown to our own look-up' : null;
    case 'proxy-dead':
      return (await isClosed(nowhere.host, nowhere.port)) ? 'the proxy refuses a connection of our own' : null;
    case 'timeout':
      return 'a time limit of 1 ms';
    case 'invalid-key':
      return 'a key that nobody was given';
  }
}

/** Whether the setting was honoured: what the target sent meanwhile, as the ledger tells. */
function outcome(
  { how }: Reconfigured,
  { ledger, proxy }: BeginParts,
  before: number,
): { proved: boolean; proof: string } {
  const calls = ledger.slice(before);
  const passed = calls.filter((call) => call.outcome === 'passed').length;
  const aborted = calls.filter((call) => call.outcome === 'aborted').length;
  const counted = `${passed} calls reached the provider`;
  switch (how) {
    case 'wrong-url':
    case 'proxy-dead':
      return { proved: passed === 0, proof: passed === 0 ? 'no call reached the provider' : `${counted} all the same` };
    case 'timeout':
      return { proved: aborted > 0 || passed === 0, proof: `${aborted} calls were given up by the target, ${counted}` };
    case 'invalid-key': {
      const touched = proxy.touched();
      return { proved: touched > 0, proof: `${touched} calls with it were refused` };
    }
  }
}

async function isUnknownHost(host: string): Promise<boolean> {
  try {
    await lookup(host);
    return false;
  } catch {
    return true;
  }
}

function isClosed(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (closed: boolean) => {
      socket.destroy();
      resolve(closed);
    };
    socket.once('connect', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(true));
  });
}
