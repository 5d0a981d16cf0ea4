// `rempart posture drift`: what is no longer as it was when the baseline was signed; with --accept, what is there now becomes the baseline.

import { userInfo } from 'node:os';
import { relative, resolve } from 'node:path';
import type { Drift, DriftChange } from '../platform/documents/drift.ts';
import { socketsHere } from '../platform/host/sockets.ts';
import type { TextKey } from '../platform/i18n/say.ts';
import { visible } from '../platform/reporting/visible.ts';
import { compareBaseline, deedsSince, readBaseline, takeBaseline } from '../protect/posture/baseline/baseline.ts';
import type { BaselineInputs } from '../protect/posture/baseline/observe.ts';
import { isLoopbackAddress } from '../protect/posture/exposure/addresses.ts';
import { scanFiles } from '../protect/posture/files/scan-files.ts';
import type { CommandInput } from './command.ts';
import { recordHere } from './record-here.ts';

/** Exit 0 without drift, 1 with, 3 without a baseline. */
export async function driftPosture(input: CommandInput): Promise<number> {
  const { say, stdout } = input;
  const inputs = inputsOf(input, portsHere());
  const by = accountName();
  if (input.options['accept'] === true) {
    const baseline = takeBaseline(inputs, { now: Date.now(), by });
    await recordHere(input, { operation: 'posture baseline', by, ok: true, facts: { revision: baseline.revision } });
    if (input.json) stdout.write(`${JSON.stringify(compareBaseline(readBaseline(input.data), inputs, Date.now()))}\n`);
    else stdout.write(`${say('drift.accepted', { revision: baseline.revision, facts: baseline.facts.length })}\n`);
    return 0;
  }
  const read = readBaseline(input.data);
  const deeds = read.kind === 'baseline' ? await deedsSince(input.data, read.baseline.takenAt) : [];
  const drift = compareBaseline(read, inputs, Date.now(), deeds);
  const well = read.kind === 'baseline' && drift.changes.length === 0;
  if (read.kind !== 'missing') {
    const keys = drift.changes.map(({ area, key }) => `${area} ${key}`.slice(0, 4_096)).slice(0, 1_000);
    await recordHere(input, { operation: 'posture drift', by, ok: well, facts: { changes: keys } });
  }
  if (input.json) stdout.write(`${JSON.stringify(drift)}\n`);
  else stdout.write(`${driftLines(drift, input).join('\n')}\n`);
  if (read.kind === 'missing') return 3;
  return well ? 0 : 1;
}

function inputsOf({ args, data, configFile, lang }: CommandInput, ports: BaselineInputs['ports']): BaselineInputs {
  const { files, findings } = scanFiles(args.length === 0 ? ['.'] : args, lang);
  return {
    data,
    configFile,
    // From wherever the command is run, a file has one name.
    files: files.map(({ name }) => resolve(name)),
    findings: findings.map(({ rule, severity, file, service, setting }) => ({
      rule,
      severity,
      file: file === null ? null : resolve(file),
      service,
      setting,
    })),
    ports,
  };
}

/** From here on the system lends ports to whoever asks for any (ip_local_port_range, RFC 6335): on loopback they come and go. */
const firstLentPort = 32_768;

/** What listens on this machine; undefined where the system does not tell. */
function portsHere(): BaselineInputs['ports'] {
  const listening = socketsHere()?.filter(
    ({ state, local }) => state === 'listen' && (local.port < firstLentPort || !isLoopbackAddress(local.address)),
  );
  const names = listening?.map(({ local }) => local);
  return (
    names && [...new Map(names.map((one) => [`${one.address} ${one.port}`, { protocol: 'tcp', ...one }])).values()]
  );
}

export function driftLines({ baseline, changes }: Drift, { say }: Pick<CommandInput, 'say'>): string[] {
  if (baseline.state === 'missing') return [say('drift.missing')];
  if (baseline.state === 'bad') return [say(`drift.bad.${baseline.why ?? 'unreadable'}`), say('drift.bad.do')];
  const since = say('drift.since', { date: minute(baseline.takenAt ?? ''), by: baseline.by ?? '?' });
  if (changes.length === 0) return [since, say('drift.none')];
  return [since, ...changes.map((change) => `  ${changeLine(change, say)}`), say('drift.next')];
}

function changeLine({ area, key, kind, before, after, at, by }: DriftChange, say: CommandInput['say']): string {
  const name = area === 'file' || area === 'config' ? relativeName(area, key) : key;
  const facts = {
    what: say(`drift.area.${area}`),
    key: visible(name),
    before: visible(before ?? ''),
    after: visible(after ?? ''),
  };
  const who: TextKey = by === null ? 'drift.at' : 'drift.at.by';
  const told = at === null ? '' : ` (${say(who, { date: minute(at), by: visible(by ?? '') })})`;
  return `${say(`drift.${kind}`, facts)}${told}`;
}

function relativeName(area: 'file' | 'config', key: string): string {
  return area === 'file' ? relative('.', key) || key : key;
}

function minute(instant: string): string {
  return `${instant.slice(0, 16).replace('T', ' ')} UTC`;
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list, as containers have.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
