// Drills on what lies on disk: a state cut short, a byte of a model flipped, a forged log, a setting changed.
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Drill } from '../drill.ts';
import { until } from '../drill.ts';
import { allAnswer, contactsTold, fileIs, hashOf, mentionedBelow, portsClosed } from '../looks.ts';
import { modeIs } from '../modes-of.ts';

export const stateCorruption: Drill = {
  type: 'state-corruption',
  wantsContainers: false,
  cause: 'drill.cause.state-corruption',
  subject: () => 'modules',
  begin(sandbox) {
    const { places, data } = sandbox;
    const whole = hashOf(places.json);
    let cut: string | null = null;
    return {
      async before() {
        // Nothing comes back that was never kept.
        const kept = await until(() => mentionedBelow(join(data, 'backups'), whole ?? ''), 10_000, 100);
        return [await allAnswer(sandbox), { name: 'backup-there', ok: kept }];
      },
      async cause() {
        truncateSync(places.json, Math.trunc(statSync(places.json).size / 2));
        cut = hashOf(places.json);
      },
      contained: async ({ id }) => [await portsClosed(sandbox, ['drill-core']), contactsTold(sandbox, id)],
      restored: async () => [
        fileIs('state-as-backed-up', places.json, whole),
        {
          name: 'evidence-kept',
          ok: mentionedBelow(data, cut ?? '', true),
          facts: { hash: (cut ?? '').slice(0, 12) },
        },
        await allAnswer(sandbox),
      ],
      undone: async () => [fileIs('state-as-found', places.json, cut)],
    };
  },
};

export const llmPoisoning: Drill = {
  type: 'llm-poisoning',
  wantsContainers: false,
  cause: 'drill.cause.llm-poisoning',
  subject: () => 'drill-model',
  begin(sandbox) {
    const { places } = sandbox;
    const clean = hashOf(places.layer);
    let poisoned: string | null = null;
    return {
      before: async () => [await allAnswer(sandbox)],
      async cause() {
        const bytes = readFileSync(places.layer);
        bytes.writeUInt8(bytes.readUInt8(40_000) ^ 0x01, 40_000);
        writeFileSync(places.layer, bytes);
        poisoned = hashOf(places.layer);
      },
      contained: async ({ id }) => [
        { name: 'poison-moved-away', ok: hashOf(places.layer) !== poisoned },
        await portsClosed(sandbox, ['drill-model']),
        modeIs(sandbox, 'safe', true),
        contactsTold(sandbox, id),
      ],
      restored: async () => [fileIs('layer-as-trusted', places.layer, clean), await allAnswer(sandbox)],
      undone: async () => [modeIs(sandbox, 'safe', false)],
    };
  },
};

/** What a terminal would obey, and what looks like two lines of somebody else's. */
const forged =
  'login failed for user \u001b[2J\u001b[1;1Hadmin\r\n' +
  '2026-01-01T00:00:00Z INFO login succeeded for user root\u202e\u001b]0;owned\u0007 \u001b[8mhidden\u001b[0m';

export const logInjection: Drill = {
  type: 'log-injection',
  wantsContainers: false,
  cause: 'drill.cause.log-injection',
  subject: () => 'core.log',
  answersFirst: ['Shut the writer out'],
  begin(sandbox) {
    const { places, data } = sandbox;
    return {
      async before() {
        appendFileSync(places.log, '2026-01-01T00:00:00Z INFO the core is up\n');
        return [await allAnswer(sandbox)];
      },
      async cause() {
        for (let count = 0; count < 5; count++)
          appendFileSync(places.log, `2026-01-01T00:00:0${count}Z WARN ${forged}\n`);
      },
      contained: async ({ id }) => [
        { name: 'logs-saved', ok: mentionedBelow(join(data, 'evidence'), '') },
        contactsTold(sandbox, id),
      ],
      restored: async (incident) => [
        // Whatever stands in the log, the incident and the log of Rempart must be safe to read.
        { name: 'incident-readable', ok: isPlain(JSON.stringify(incident)) },
        { name: 'log-readable', ok: isPlain(readFileSync(join(sandbox.dir, 'rempart.log'), 'utf8')) },
        await allAnswer(sandbox),
      ],
    };
  },
};

function isPlain(text: string): boolean {
  return !/[\u001b\u0007\u202a-\u202e\u2066-\u2069]|\\u001b|\\u0007|\\u202e/.test(text);
}

export const configurationDrift: Drill = {
  type: 'configuration-drift',
  wantsContainers: false,
  cause: 'drill.cause.configuration-drift',
  subject: () => 'config',
  answersFirst: ['Was the change meant?', 'By hand: Bring the signed configuration back', 'By hand: Verify the source'],
  begin(sandbox) {
    const { configFile } = sandbox;
    const text = readFileSync(configFile, 'utf8');
    const signed = hashOf(configFile);
    let changed: string | null = null;
    return {
      before: async () => [await allAnswer(sandbox)],
      async cause() {
        const config = JSON.parse(text) as { screening?: object };
        const weaker = { ...config, screening: { prompts: { 'code-execution': { user: 'pass' } } } };
        writeFileSync(configFile, JSON.stringify(weaker, null, 2));
        changed = hashOf(configFile);
      },
      contained: async ({ id }) => [
        { name: 'change-gone', ok: hashOf(configFile) !== changed },
        fileIs('configuration-as-signed', configFile, signed),
        contactsTold(sandbox, id),
      ],
      async byHand(step) {
        if (step === 'Was the change meant?') return { __meant__: 'false' };
        // As a person would: the file that was signed is put back.
        if (step === 'By hand: Bring the signed configuration back') writeFileSync(configFile, text);
        return undefined;
      },
    };
  },
};
