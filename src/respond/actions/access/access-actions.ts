// Actions on who may call and who is called: sessions, keys, providers, addresses, limits.
import { isIP } from 'node:net';
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import { type Actuators, needed } from '../../actuators.ts';
import type { Action } from '../../engine/action.ts';
import { byRun, restrainAction } from './restrain.ts';

/** Public ids and names: whatever else a signal brought is no name of ours. */
const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:@/-]{0,199}$/);
const address = z.string().refine((given) => isIP(given) !== 0);

type AccessActuators = Pick<Actuators, 'sessions' | 'keys' | 'providers' | 'sources' | 'limits'>;

export function accessActions(actuators: AccessActuators): Action[] {
  const knownProvider = (name: string) => {
    if (!needed('providers.suspend', actuators.providers).names().includes(name))
      throw new RempartError('ERR_PROVIDER_UNKNOWN', { provider: name });
  };
  const knownKey = (key: string) => {
    const found = needed('keys.suspend', actuators.keys).find(key);
    if (found === undefined) throw new RempartError('ERR_KEY_UNKNOWN', { id: key });
    return found;
  };
  return [
    restrainAction({
      name: 'sessions.quarantine',
      args: z.strictObject({ subject: id }),
      change: 'shut-out',
      part: () => actuators.sessions,
      nameOf: ({ subject }) => subject,
    }),
    sessionsRestart(actuators),
    restrainAction({
      name: 'keys.suspend',
      args: z.strictObject({ key: id }),
      change: 'suspend',
      part: () => actuators.keys,
      nameOf: ({ key }) => key,
      check: knownKey,
    }),
    keysRevoke(actuators, knownKey),
    restrainAction({
      name: 'providers.suspend',
      args: z.strictObject({ provider: id }),
      change: 'suspend',
      part: () => actuators.providers?.suspended,
      nameOf: ({ provider }) => provider,
      check: knownProvider,
    }),
    restrainAction({
      name: 'providers.use-spare',
      args: z.strictObject({ provider: id }),
      change: 'use-spare',
      part: () => actuators.providers?.spare,
      nameOf: ({ provider }) => provider,
      check(name) {
        knownProvider(name);
        if (actuators.providers?.spares(name) === 0)
          throw new RempartError('ERR_PROVIDER_NO_SPARE', { provider: name });
      },
      evidence: (name) => ({ spares: actuators.providers?.spares(name) ?? 0 }),
    }),
    restrainAction({
      name: 'sources.block',
      args: z.strictObject({ source: address }),
      change: 'block',
      part: () => actuators.sources,
      nameOf: ({ source }) => source,
    }),
    limitsTighten(actuators),
  ];
}

/** Whoever is asked anew starts clean: the session ends, and its holder logs in again. */
function sessionsRestart(actuators: AccessActuators): Action<{ subject: string }> {
  const name = 'sessions.restart';
  const sessions = () => needed(name, actuators.sessions);
  return {
    name,
    class: 'restore',
    args: z.strictObject({ subject: id }),
    async plan({ subject }) {
      const isOn = sessions().isOn(subject);
      const effect = { target: subject, change: 'let-in', from: isOn ? 'shut-out' : 'let-in', to: 'let-in' };
      return { effects: [effect], reversible: true, before: { isOn } };
    },
    async probe({ subject }) {
      return sessions().isOn(subject) ? { state: 'not-done' } : { state: 'done', done: { evidence: { subject } } };
    },
    async act({ subject }, context) {
      await sessions().off(subject, byRun(context));
      return { evidence: { subject } };
    },
    async undo({ subject }, context, { isOn }) {
      if (isOn === true) await sessions().on(subject, { by: byRun(context) });
    },
  };
}

function keysRevoke(actuators: AccessActuators, known: (key: string) => { revoked: boolean }): Action<{ key: string }> {
  const name = 'keys.revoke';
  const keys = () => needed(name, actuators.keys);
  return {
    name,
    class: 'destroy',
    args: z.strictObject({ key: id }),
    async plan({ key }) {
      keys();
      const from = known(key).revoked ? 'revoked' : 'valid';
      return { effects: [{ target: key, change: 'revoke', from, to: 'revoked' }], reversible: false, before: {} };
    },
    async probe({ key }) {
      return known(key).revoked ? { state: 'done', done: { evidence: { key } } } : { state: 'not-done' };
    },
    async act({ key }, context) {
      await keys().revoke(key, byRun(context));
      return { evidence: { key } };
    },
  };
}

function limitsTighten(actuators: AccessActuators): Action<{ factor: number }> {
  const name = 'limits.tighten';
  const limits = () => needed(name, actuators.limits);
  return {
    name,
    class: 'contain',
    args: z.strictObject({ factor: z.number().min(0.01).max(0.99) }),
    async plan({ factor }) {
      const before = limits().factor();
      // What is tighter already stays so.
      const to = Math.min(before, factor);
      const effect = { target: 'limits', change: 'tighten', from: String(before), to: String(to) };
      return { effects: [effect], reversible: true, before: { factor: before } };
    },
    async probe({ factor }) {
      return limits().factor() <= factor ? { state: 'done', done: { evidence: { factor } } } : { state: 'not-done' };
    },
    async act({ factor }) {
      limits().tighten(Math.min(limits().factor(), factor));
      return { evidence: { factor: limits().factor() } };
    },
    async undo(_args, _context, { factor }) {
      if (typeof factor === 'number') limits().tighten(factor);
    },
  };
}
