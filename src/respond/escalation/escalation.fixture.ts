// For tests: incidents in memory, a store on disk, a clock that is moved by hand, and a channel that remembers what it was given.
import { join } from 'node:path';
import type { JsonObject } from '../../platform/base/json.ts';
import { createLog } from '../../platform/base/log.ts';
import type { Deployment } from '../../platform/documents/deployment.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import { openStore, type Store, type StoreLocation } from '../../platform/store/store.ts';
import type { Incidents } from '../incidents/incidents.ts';
import type { Channel, Delivered, Delivery } from './channels/channel.ts';
import { type EscalationParts, escalationService } from './escalation.ts';
import { loadMatrix } from './matrix.ts';
import type { OutboxSettings } from './outbox.ts';

export const begin = Date.parse('2026-03-01T12:00:00.000Z');

export function exampleIncident(change: Partial<Incident> = {}): Incident {
  const at = new Date(begin).toISOString();
  return {
    schema: 'rempart/incident@1',
    id: 'INC-20260301-120000',
    type: 'unauthorised-access',
    level: 2,
    status: 'detected',
    verdict: null,
    escalation: 'warning',
    subject: 'gateway',
    parent: null,
    occurredAt: at,
    detectedAt: at,
    firstActionAt: null,
    acknowledgedAt: null,
    investigationAt: null,
    causeIdentifiedAt: null,
    containedAt: null,
    solutionAt: null,
    restoredAt: null,
    validatedAt: null,
    closedAt: null,
    dueBy: new Date(begin + 7_200_000).toISOString(),
    signals: [{ detector: 'brute-force', time: at, facts: { attempts: 40, source: '198.51.100.7' }, repeats: 0 }],
    timeline: [{ time: at, kind: 'detected', by: 'brute-force', facts: {} }],
    playbookRuns: [],
    impact: { downtimeMinutes: null, services: [], dataCompromised: null, usersAffected: null },
    causes: [],
    actions: { corrective: [], preventive: [] },
    lessons: [],
    ...change,
  };
}

/** Only what escalation asks of incidents. */
export function incidentsInMemory(now: () => number) {
  const kept = new Map<string, Incident>();
  const listeners = new Set<Parameters<Incidents['onChange']>[0]>();
  const change = async (id: string, with_: (incident: Incident) => Partial<Incident>): Promise<Incident> => {
    const before = kept.get(id);
    if (before === undefined) throw new Error(`no incident ${id}`);
    const after = { ...before, ...with_(before) };
    kept.set(id, after);
    for (const listener of listeners) listener(after, 'changed');
    return after;
  };
  const at = () => new Date(now()).toISOString();
  const line = (kind: string, by: string, facts: Readonly<Record<string, string | number | boolean>> = {}) => ({
    time: at(),
    kind,
    by,
    facts,
  });
  const incidents: Incidents = {
    detected: () => Promise.reject(new Error('not in this test')),
    find: async (id) => kept.get(id) ?? null,
    list: async ({ open, limit = 1_000 } = {}) =>
      [...kept.values()]
        .filter(({ status }) => open === undefined || open === !['resolved', 'closed'].includes(status))
        .slice(0, limit),
    mark: (id, moment, by) => change(id, (i) => ({ [moment]: at(), timeline: [...i.timeline, line(moment, by)] })),
    acknowledge: (id, by) =>
      change(id, (i) => ({
        status: 'acknowledged',
        acknowledgedAt: at(),
        timeline: [...i.timeline, line('acknowledged', by)],
      })),
    escalate: (id, level, by) =>
      change(id, (i) => ({ escalation: level, timeline: [...i.timeline, line('escalated', by, { level })] })),
    resolve: (id, by) => change(id, (i) => ({ status: 'resolved', timeline: [...i.timeline, line('resolved', by)] })),
    close: (id, verdict, by) =>
      change(id, (i) => ({ status: 'closed', verdict, closedAt: at(), timeline: [...i.timeline, line('closed', by)] })),
    note: (id, { kind, by, facts }) => change(id, (i) => ({ timeline: [...i.timeline, line(kind, by, facts)] })),
    amend: (id, amendment) => change(id, () => amendment),
    run: (id, run) => change(id, (i) => ({ playbookRuns: [...i.playbookRuns, run] })),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    incidents,
    async open(incident: Incident): Promise<void> {
      kept.set(incident.id, incident);
      for (const listener of listeners) listener(incident, 'opened');
    },
  };
}

export const contacts: Deployment['contacts'] = [
  { name: 'Ada', role: 'devops', from: 'info', types: [], mail: 'ada@example.org' },
  { name: 'Sec', role: 'security', from: 'warning', types: [], mail: 'sec@example.org' },
  { name: 'Ciso', role: 'management', from: 'critical', types: [], mail: 'ciso@example.org' },
  { name: 'Boss', role: 'management', from: 'emergency', types: [], mail: 'boss@example.org' },
];

export interface Rig {
  clock: { at: number };
  sent: Delivery[];
  journalled: JsonObject[];
  store: Store;
  place: StoreLocation;
  answer: { with: () => Promise<Delivered> };
  memory: ReturnType<typeof incidentsInMemory>;
  /** Another node over the same store and incidents. */
  node(change?: Partial<EscalationParts>, settings?: OutboxSettings): ReturnType<typeof escalationService>;
  end(): Promise<void>;
}

export async function openRig(where: string | StoreLocation): Promise<Rig> {
  const clock = { at: begin };
  const now = () => clock.at;
  const location = typeof where === 'string' ? { path: join(where, `${process.hrtime.bigint()}.sqlite`) } : where;
  const store = await openStore(location);
  const memory = incidentsInMemory(now);
  const sent: Delivery[] = [];
  const journalled: JsonObject[] = [];
  const answer = { with: async (): Promise<Delivered> => ({ kind: 'taken' }) };
  const mail: Channel = {
    async send(delivery) {
      const delivered = await answer.with();
      if (delivered.kind === 'taken') sent.push(delivery);
      return delivered;
    },
    reaches: () => true,
    close: () => undefined,
  };
  const title = { en: 'Unauthorised access', fr: 'Accès non autorisé' };
  return {
    clock,
    sent,
    journalled,
    store,
    place: location,
    answer,
    memory,
    node: (change = {}, settings) =>
      escalationService(
        {
          store,
          incidents: memory.incidents,
          taxonomy: { find: () => ({ title, phases: {} }), all: [{ id: 'unauthorised-access' }] },
          matrix: loadMatrix(),
          deployment: { language: 'en', contacts },
          channels: { mail },
          journal: {
            async append(event) {
              journalled.push(event);
              return { stream: 'respond', seq: journalled.length, hash: '' };
            },
          },
          deeds: async () => ({ services: true, states: false, logs: false, monitoring: false }),
          mark: async () => null,
          now,
          log: createLog('silent'),
          host: { name: 'bastion', ip: '192.0.2.10' },
          ...change,
        },
        settings,
      ),
    end: () => store.close(),
  };
}
