// What commands ask after an incident: where it stands with people, its checklist, its report, and what people enter for it.
import { z } from 'zod';
import type { ControlHandlers } from '../../platform/base/control-socket.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { RunLog } from '../engine/durable.ts';
import { doneActions } from '../escalation/deeds.ts';
import type { Escalation } from '../escalation/escalation.ts';
import type { JournalMark } from '../escalation/notice.ts';
import type { Incidents } from '../incidents/incidents.ts';
import type { IncidentType } from '../taxonomy/taxonomy.ts';
import { type Checklist, isComplete } from './checklist.ts';
import type { Heightened } from './heightened.ts';
import { renderReport } from './report/render-report.ts';
import type { ReportFacts } from './report/report-of.ts';

export interface ReviewCommandsParts {
  incidents: Pick<Incidents, 'find' | 'amend'>;
  runs: Pick<RunLog, 'memory'>;
  taxonomy: { find(id: string): Pick<IncidentType, 'title'> | undefined };
  escalation: Pick<Escalation, 'deadlines' | 'messages' | 'postMortemHeld'>;
  heightened: Pick<Heightened, 'find'>;
  checklist: Checklist;
  mark: () => Promise<JournalMark | null>;
}

const id = z.string().max(100);
const by = z.string().min(1).max(200);
const text = z.string().min(1).max(2_000);
const amendment = z.strictObject({
  cause: text.optional(),
  corrective: text.optional(),
  preventive: text.optional(),
  lesson: text.optional(),
  /** The number of a correction that is done, counted from 1 over the corrective, then the preventive ones. */
  done: z.int().min(1).max(1_000).optional(),
  downtimeMinutes: z.number().min(0).max(5_256_000).optional(),
  services: z.array(z.string().max(200)).max(100).optional(),
  dataCompromised: z.boolean().optional(),
  usersAffected: z.int().min(0).optional(),
});
type Amendment = z.output<typeof amendment>;
const asked = {
  one: z.strictObject({ id }),
  report: z.strictObject({ id, lang: z.enum(['en', 'fr']), format: z.enum(['markdown', 'html']) }),
  tick: z.strictObject({ id, point: z.string().max(60), note: text.optional(), by }),
  amend: z.strictObject({ id, by, change: amendment }),
  held: z.strictObject({ id, by }),
};

/** For the instance's control socket: only who owns the data directory reaches it. */
export function reviewCommands(parts: ReviewCommandsParts): ControlHandlers {
  const { incidents, checklist, escalation } = parts;
  const known = async (given: string): Promise<Incident> => {
    const incident = await incidents.find(given.toUpperCase());
    if (incident === null) throw new RempartError('ERR_INCIDENT_UNKNOWN', { id: given.slice(0, 100) });
    return incident;
  };
  const listed = (entries: Awaited<ReturnType<Checklist['read']>>, incident: string) =>
    json({ schema: 'rempart/checklist@1', incident, complete: isComplete(entries), points: entries });

  return {
    'review.status': async (given) => json(await statusOf(parts, await known(read(asked.one, given).id))),
    async 'review.report'(given) {
      const { id: which, lang, format } = read(asked.report, given);
      return { text: renderReport(await factsOf(parts, await known(which)), { lang, format }) };
    },
    async 'review.checklist'(given) {
      const incident = await known(read(asked.one, given).id);
      return listed(await checklist.read(incident.id), incident.id);
    },
    async 'review.check'(given) {
      const incident = await known(read(asked.one, given).id);
      return listed(await checklist.run(incident, new AbortController().signal), incident.id);
    },
    async 'review.tick'(given) {
      const { id: which, point, note, by: who } = read(asked.tick, given);
      const incident = await known(which);
      return listed(await checklist.tick(incident.id, point, who, note), incident.id);
    },
    async 'review.amend'(given) {
      const { id: which, by: who, change } = read(asked.amend, given);
      const incident = await known(which);
      return json(await incidents.amend(incident.id, merged(incident, change), who));
    },
    async 'review.held'(given) {
      const { id: which, by: who } = read(asked.held, given);
      const incident = await known(which);
      await escalation.postMortemHeld(incident.id, who);
      return json(await statusOf(parts, await known(which)));
    },
  };
}

async function factsOf(parts: ReviewCommandsParts, incident: Incident): Promise<ReportFacts> {
  const { escalation, checklist, heightened, runs, taxonomy } = parts;
  return {
    incident,
    title: taxonomy.find(incident.type)?.title,
    deadlines: await escalation.deadlines(incident.id),
    checklist: await checklist.read(incident.id),
    messages: await escalation.messages(incident.id),
    actions: await doneActions(runs, incident),
    heightened: await heightened.find(incident.id),
    mark: await parts.mark(),
  };
}

/** Deadlines and messages by the names of contacts; an address leaves the profile only for its channel. */
async function statusOf({ escalation, heightened }: ReviewCommandsParts, { id: incident }: Incident) {
  const instant = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  const deadlines = await escalation.deadlines(incident);
  const messages = await escalation.messages(incident);
  const watch = await heightened.find(incident);
  return {
    schema: 'rempart/incident-status@1',
    incident,
    deadlines: deadlines.map(({ kind, level, dueAt, state }) => ({ kind, level, dueAt: instant(dueAt), state })),
    notifications: messages.map(({ what, contact, channel, state, attempts, createdAt, endedAt, code }) => ({
      what,
      contact,
      channel,
      state,
      attempts,
      createdAt: instant(createdAt),
      endedAt: instant(endedAt),
      code,
    })),
    heightened: watch === null ? null : { from: instant(watch.from), until: instant(watch.until) },
  };
}

function merged(incident: Incident, change: Amendment): Parameters<Incidents['amend']>[1] {
  const { cause, lesson, corrective, preventive, done } = change;
  const { impact, causes, lessons, actions } = incident;
  const added = (list: Incident['actions']['corrective'], one: string | undefined) =>
    one === undefined ? list : [...list, { text: one, done: false }];
  const all = [...added(actions.corrective, corrective), ...added(actions.preventive, preventive)];
  if (done !== undefined && done > all.length)
    throw new RempartError('ERR_CORRECTION_UNKNOWN', { given: done, count: all.length });
  const marked = all.map((one, index) => (index + 1 === done ? { ...one, done: true } : one));
  const correctives = actions.corrective.length + (corrective === undefined ? 0 : 1);
  const { downtimeMinutes, services, dataCompromised, usersAffected } = change;
  const given = { downtimeMinutes, services, dataCompromised, usersAffected };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    ...(cause === undefined ? {} : { causes: [...causes, cause] }),
    ...(lesson === undefined ? {} : { lessons: [...lessons, lesson] }),
    ...(corrective === undefined && preventive === undefined && done === undefined
      ? {}
      : { actions: { corrective: marked.slice(0, correctives), preventive: marked.slice(correctives) } }),
    ...(Object.keys(known).length === 0 ? {} : { impact: { ...impact, ...known } }),
  };
}

function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (!parsed.success)
    throw new RempartError('ERR_BODY_INVALID', { what: String(parsed.error.issues[0]?.path.join('.') ?? 'review') });
  return parsed.data;
}

/** Without what JSON does not carry. */
function json(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
