// What respond may do in a running instance, done by protect's own parts; each is journalled before it is in force.
import type { Config } from '../config.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { apiActivity } from '../platform/journal/ocsf.ts';
import type { Keys } from '../protect/gateway/keys.ts';
import type { GatewaySettings } from '../protect/gateway/settings.ts';
import { networks } from '../protect/gateway/source-network.ts';
import type { SwitchMode } from '../protect/mode-commands.ts';
import { type ModeName, type Modes, modeNames } from '../protect/modes.ts';
import type { RecordActivity } from '../protect/record-activity.ts';
import type { RestraintKind, Restraints } from '../protect/restraints.ts';
import type { Actuators, ModeActuator, Restraint } from '../respond/actuators.ts';

export interface ActuatorGround {
  modes: Modes;
  switchMode: SwitchMode;
  restraints: Restraints;
  journal: Pick<Journal, 'append'>;
  keys: Keys;
  record: Pick<RecordActivity, 'keyChange'>;
  /** The configuration and the providers that hold now. */
  running: () => { config: Config; providers: GatewaySettings['providers'] };
  /** Missing where nobody limits anything. */
  limits?: { tighten(factor: number): void };
  /** Missing for an instance that reads its configuration once. */
  reload: { reload(by: string): Promise<unknown> } | undefined;
  now: () => number;
}

/** What nobody lifts ends by itself: an address is lent to another subscriber, a session is long over. */
const longestMs: Partial<Record<RestraintKind, number>> = { source: 86_400_000, session: 86_400_000 };

export function actuatorsOf(ground: ActuatorGround): Actuators {
  const { keys, record, limits, reload } = ground;
  const keyOf = (id: string) => keys.list().find((key) => key.id === id);
  const settingsOf = (name: string) => ground.running().providers.find((one) => one.name === name);
  let factor = 1;
  return {
    modes: modeActuator(ground.modes, ground.switchMode),
    sessions: restraint(ground, 'session'),
    keys: {
      ...restraint(ground, 'key'),
      find(id) {
        const key = keyOf(id);
        if (key === undefined) return undefined;
        return { subject: key.subject, role: key.role, revoked: key.revokedAt !== undefined };
      },
      async revoke(id) {
        const key = keyOf(id);
        if (key === undefined || !(await keys.revoke(id))) throw new RempartError('ERR_KEY_UNKNOWN', { id });
        await record.keyChange({ activity: 'delete', id, subject: key.subject, role: key.role });
      },
    },
    providers: {
      names: () => ground.running().providers.map(({ name }) => name),
      suspended: restraint(ground, 'provider'),
      spare: restraint(ground, 'spare'),
      spares: (name) => settingsOf(name)?.spareKeys?.length ?? 0,
    },
    sources: {
      ...restraint(ground, 'source'),
      async on(name, order) {
        const { trustedProxies } = ground.running().config.gateway;
        // All users of a proxy come from its address.
        if (networks(trustedProxies)(name))
          throw new RempartError('ERR_ACTION_PROTECTED', { action: 'sources.block', target: name });
        await restraint(ground, 'source').on(name, order);
      },
    },
    ...(reload === undefined ? {} : { config: { reload: async (by: string) => void (await reload.reload(by)) } }),
    ...(limits === undefined
      ? {}
      : {
          limits: {
            factor: () => factor,
            tighten(share: number) {
              limits.tighten(share);
              factor = share;
            },
          },
        }),
  };
}

export function modeActuator(modes: Pick<Modes, 'state'>, switchMode: SwitchMode): ModeActuator {
  const known = (name: string): ModeName | undefined => modeNames.find((one) => one === name);
  return {
    names: modeNames,
    state(given) {
      const name = known(given);
      return name === undefined ? { on: false } : modes.state(name);
    },
    async set({ name: given, on, by, forMs }) {
      const name = known(given);
      if (name === undefined) throw new RempartError('ERR_BODY_INVALID', { what: 'mode' });
      await switchMode({ name, on, by, ...(forMs === undefined ? {} : { forMs }) });
    },
  };
}

function restraint({ restraints, journal, now }: ActuatorGround, kind: RestraintKind): Restraint {
  const note = (on: boolean, name: string, by: string, until?: number) =>
    journal.append(
      apiActivity({
        time: now(),
        activity: 'update',
        operation: `${on ? 'hold back' : 'release'} ${kind}`,
        actor: { subject: by },
        sourceIp: '127.0.0.1',
        status: 'success',
        severity: 'high',
        unmapped: { restraint: { kind, name, on, ...(until === undefined ? {} : { until }) } },
      }),
    );
  return {
    isOn: (name) => restraints.isHeld(kind, name),
    async on(name, { by, until }) {
      const most = longestMs[kind];
      const end = until ?? (most === undefined ? undefined : now() + most);
      await note(true, name, by, end);
      restraints.hold({ kind, name, by, ...(end === undefined ? {} : { until: end }) });
    },
    async off(name, by) {
      if (!restraints.isHeld(kind, name)) return;
      await note(false, name, by);
      restraints.release(kind, name);
    },
  };
}
