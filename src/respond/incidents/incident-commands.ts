// What the command line asks about incidents: the same with a running instance, over its socket, and without one.
import { z } from 'zod';
import type { ControlHandlers } from '../../platform/base/control-socket.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import { type Incident, incidentVerdicts } from '../../platform/documents/incident.ts';
import type { RunLog, Task, Tasks } from '../engine/durable.ts';
import type { Responder } from '../responder.ts';
import type { Taxonomy } from '../taxonomy/load-taxonomy.ts';
import type { KeptIncidents } from './create-incidents.ts';

export interface IncidentCommandsParts {
  incidents: KeptIncidents;
  tasks: Tasks;
  runs: Pick<RunLog, 'list' | 'cancel'>;
  taxonomy: Taxonomy;
  responder: Pick<Responder, 'answer'>;
  now: () => number;
}

const by = z.string().min(1).max(200);
const id = z.string().max(100);
const asked = {
  list: z.strictObject({ all: z.boolean(), type: z.string().max(100).optional(), limit: z.int().min(1).max(10_000) }),
  show: z.strictObject({ id }),
  open: z.strictObject({
    type: z.string().max(100),
    subject: z.string().min(1).max(10_000),
    note: z.string().max(10_000).optional(),
    run: z.boolean(),
    by,
  }),
  person: z.strictObject({ id, by }),
  close: z.strictObject({ id, verdict: z.enum(incidentVerdicts), by }),
  question: z.strictObject({ task: z.string().max(500) }),
  decide: z.strictObject({
    task: z.string().max(500),
    grant: z.boolean(),
    planHash: z.string().max(100).nullable(),
    values: z.record(z.string().max(220), z.string().max(10_000)).optional(),
    by,
  }),
};

/** For the instance's control socket: only who owns the data directory reaches it. */
export function incidentCommands(parts: IncidentCommandsParts): ControlHandlers {
  const { incidents, tasks, runs, taxonomy, responder, now } = parts;
  const known = async (given: string) => {
    const incident = await incidents.find(given.toUpperCase());
    if (incident === null) throw new RempartError('ERR_INCIDENT_UNKNOWN', { id: given.slice(0, 100) });
    return incident;
  };
  const shown = async (given: string) => {
    const incident = await known(given);
    return {
      incident,
      questions: (await tasks.list({ incident: incident.id, state: 'open' })).map(questionOf),
      title: taxonomy.find(incident.type)?.title ?? null,
    };
  };

  /** What is over needs no answer any more: a run that has not begun would act upon a service that is well. */
  const withoutWaiting = async (over: Incident): Promise<Incident> => {
    let after = over;
    for (const run of await runs.list({ incident: over.id, states: ['waiting'] })) {
      // One that began and waits to go on is left to finish what it has in hand.
      if (run.epoch > 0 || !(await runs.cancel(run.id))) continue;
      const playbook = over.playbookRuns.find((one) => one.run === run.id)?.playbook ?? run.playbookName;
      after = await incidents.run(over.id, { run: run.id, playbook, state: 'cancelled' });
    }
    return after;
  };

  return {
    async 'incident.list'(given) {
      const { all, type, limit } = read(asked.list, given);
      if (type !== undefined && taxonomy.find(type) === undefined) throw unknownType(type, taxonomy);
      const filter = { ...(all ? {} : { open: true }), ...(type === undefined ? {} : { type }), limit };
      const questions = await tasks.list({ state: 'open' });
      return json({ incidents: await incidents.list(filter), questions: questions.map(questionOf) });
    },
    'incident.show': async (given) => json(await shown(read(asked.show, given).id)),
    async 'incident.open'(given) {
      const { type, subject, note, run, by: who } = read(asked.open, given);
      const at = now();
      const { severity, facts } = { severity: 'medium' as const, facts: note === undefined ? {} : { note } };
      const { incident, isNew } = await incidents.open(
        { detector: who, type, subject, occurredAt: at, detectedAt: at, severity, facts },
        { answer: run ? 'wanted' : 'none' },
      );
      if (isNew && run) await responder.answer(incident);
      return json({ ...(await shown(incident.id)), isNew });
    },
    async 'incident.ack'(given) {
      const { id: which, by: who } = read(asked.person, given);
      return json(await incidents.acknowledge((await known(which)).id, who));
    },
    async 'incident.resolve'(given) {
      const { id: which, by: who } = read(asked.person, given);
      return json(await withoutWaiting(await incidents.resolve((await known(which)).id, who)));
    },
    async 'incident.close'(given) {
      const { id: which, verdict, by: who } = read(asked.close, given);
      return json(await withoutWaiting(await incidents.close((await known(which)).id, verdict, who)));
    },
    'incident.question': async (given) =>
      json(questionOf(await questionNamed(tasks, read(asked.question, given).task))),
    async 'incident.decide'(given) {
      const { task, grant, planHash, values, by: who } = read(asked.decide, given);
      const question = await questionNamed(tasks, task);
      const decided = await tasks.decide(question.id, {
        by: who,
        grant,
        planHash,
        ...(values === undefined ? {} : { values }),
      });
      if (decided.incident !== null) {
        const facts = { task: decided.id, grant, plan: decided.planHash ?? '' };
        await incidents.note(decided.incident, { kind: 'decided', by: who, facts });
      }
      return json(questionOf(decided));
    },
  };
}

/** By its id, by the beginning of its plan's hash, or by its incident or run where that asks one thing only. */
async function questionNamed(tasks: Tasks, given: string): Promise<Task> {
  const exact = await tasks.find(given);
  if (exact !== null) return exact;
  const open = await tasks.list({ state: 'open' });
  const named = open.filter(
    ({ incident, run, planHash }) =>
      incident === given.toUpperCase() || run === given || (given.length >= 6 && planHash?.startsWith(given) === true),
  );
  if (named.length === 1) return named[0]!;
  throw named.length === 0
    ? new RempartError('ERR_TASK_UNKNOWN', { task: given.slice(0, 200) })
    : new RempartError('ERR_TASK_SEVERAL', { task: given.slice(0, 200), count: named.length });
}

function questionOf(task: Task) {
  const instant = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  const { askedAt, expiresAt, decisions, ...same } = task;
  return {
    ...same,
    askedAt: instant(askedAt),
    expiresAt: instant(expiresAt),
    decisions: decisions.map((decision) => ({ ...decision, at: instant(decision.at) })),
  };
}
export type Question = ReturnType<typeof questionOf>;

function read<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (!parsed.success)
    throw new RempartError('ERR_BODY_INVALID', { what: String(parsed.error.issues[0]?.path[0] ?? 'incident') });
  return parsed.data;
}

function unknownType(type: string, taxonomy: Taxonomy): RempartError {
  return new RempartError('ERR_INCIDENT_TYPE', {
    type: type.slice(0, 100),
    known: taxonomy.all.map(({ id: one }) => one).join(', '),
  });
}

/** All of it is JSON already; the types of documents say so less plainly. */
function json(value: unknown): Json {
  return value as Json;
}
