// One method, once: the stage is set, the target lives through it, and what it wrote is kept as evidence.
import { existsSync, readFileSync } from 'node:fs';
import type { TextKey } from '../../platform/i18n/say.ts';
import { uses } from '../targets/profile.ts';
import type { Evidence, EvidenceOf } from './evidence.ts';
import { MethodDay, type MethodParts } from './method-day.ts';
import type { MethodPlan } from './methods.ts';
import { databaseServer, type Stage, setStage } from './stage.ts';

export async function runMethod(plan: MethodPlan, parts: MethodParts): Promise<void> {
  const { recorder, profile, say, keeper } = parts;
  const start = recorder.facts.length;
  const begin = (canaries: EvidenceOf<'method-begin'>['canaries']) =>
    recorder.record({
      kind: 'method-begin',
      t: parts.now(),
      scenario: plan.scenario,
      method: plan.method,
      run: parts.run,
      at: new Date().toISOString(),
      canaries,
    });
  const end = () => recorder.record({ kind: 'method-end', t: parts.now() });
  const { kind } = profile.database;
  // What has no meaning for this target is left out.
  if (plan.databases !== undefined && kind !== 'none' && !plan.databases.includes(kind)) return;
  const impossible = plan.impossible(profile, parts.allow) ?? serverMissing(parts);
  if (impossible !== null) {
    begin([]);
    recorder.record({ kind: 'inconclusive', t: parts.now(), why: say(impossible) });
    return end();
  }
  try {
    const stage = await setStage(parts, plan.method === 'memory');
    // The target's start is noted before method-begin; what counts begins here.
    begin(stage.canaries);
    if (stage.ready) await new MethodDay(plan, parts, stage, start).live();
    else recorder.record({ kind: 'invalid', t: parts.now(), why: say('simulate.why.not-ready') });
    const { logs } = await keeper.call('stop-target', {});
    recordLogs(logs, parts, recorder.facts.slice(start));
    scanDatabase(stage, parts);
  } finally {
    await keeper.call('stop-target', {}).catch(() => undefined);
    await keeper.call('clean', {}).catch(() => undefined);
    end();
  }
}

/** A target that stores in a database server cannot even begin without one. */
function serverMissing(parts: MethodParts): TextKey | null {
  return parts.profile.start !== undefined && uses(parts.profile, 'database.url') && databaseServer(parts) === null
    ? 'simulate.why.no-server'
    : null;
}

function recordLogs(
  logs: readonly { channel: string; text: string }[],
  parts: MethodParts,
  facts: readonly Evidence[],
): void {
  for (const { channel, text } of logs) {
    const mark = facts.find((fact) => fact.kind === 'log-mark' && fact.channel === channel);
    parts.recorder.record({
      kind: 'log',
      t: parts.now(),
      channel,
      baselineLength: mark?.kind === 'log-mark' ? mark.length : 0,
      text,
    });
  }
}

/** Canaries in what the target stored: the files are searched as bytes, whatever their format. */
function scanDatabase(stage: Stage, parts: MethodParts): void {
  const found: { name: string; offset: number }[] = [];
  for (const file of [stage.databasePath, `${stage.databasePath}-wal`]) {
    if (!existsSync(file)) continue;
    const bytes = readFileSync(file);
    for (const canary of stage.canaries) {
      const offset = bytes.indexOf(canary.value);
      if (offset !== -1) found.push({ name: canary.name, offset });
    }
  }
  parts.recorder.record({ kind: 'scan', t: parts.now(), channel: 'database', found });
}
