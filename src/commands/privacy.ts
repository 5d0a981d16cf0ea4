// `rempart privacy export|erase|retention|pseudonym`: what is kept of a person, its erasure, and the periods of keeping.
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSubject } from '../platform/base/subject.ts';
import type { ErasureDocument, PrivacyExport, Remaining, RetentionDocument } from '../platform/documents/privacy.ts';
import type { TextKey } from '../platform/i18n/say.ts';
import { auditFields } from '../platform/journal/sinks/audit-fields.ts';
import { askPrivacy } from './ask-privacy.ts';
import { type Command, type CommandInput, usageError } from './command.ts';
import { records } from './journal.ts';
import { openOutput, unwritable } from './output-file.ts';

const actions = ['export', 'erase', 'retention', 'pseudonym'] as const;

export const privacy: Command = {
  name: 'privacy',
  summary: 'privacy.summary',
  positionals: { name: actions.join('|') },
  options: {
    subject: { type: 'string', value: 'NAME', summary: 'privacy.flag.subject' },
    conversation: { type: 'string', value: 'ID', summary: 'privacy.flag.conversation' },
    'with-keys': { type: 'boolean', summary: 'privacy.flag.with-keys' },
    'dry-run': { type: 'boolean', summary: 'privacy.flag.dry-run' },
    journal: { type: 'boolean', summary: 'privacy.flag.journal' },
    out: { type: 'string', value: 'FILE', summary: 'privacy.flag.out' },
    force: { type: 'boolean', summary: 'journal.flag.force' },
    apply: { type: 'boolean', summary: 'privacy.flag.apply' },
  },
  actions: {
    export: {
      usage: 'export --subject NAME [--journal] | --conversation ID [--out FILE [--force]]',
      summary: 'privacy.export.summary',
      options: ['subject', 'conversation', 'journal', 'out', 'force'],
    },
    erase: {
      usage: 'erase --subject NAME [--with-keys] | --conversation ID [--dry-run]',
      summary: 'privacy.erase.summary',
      options: ['subject', 'conversation', 'with-keys', 'dry-run'],
    },
    retention: { usage: 'retention [--apply]', summary: 'privacy.retention.summary', options: ['apply'] },
    pseudonym: { usage: 'pseudonym --subject NAME', summary: 'privacy.pseudonym.summary', options: ['subject'] },
  },
  more: 'privacy.more',
  async run(input) {
    const [name = '', extra] = input.args;
    const action = actions.find((known) => known === name);
    if (extra !== undefined) throw usageError(input, 'privacy', 'cli.usage.argument.unexpected', { argument: extra });
    switch (action) {
      case 'export':
        return exportSubject(input);
      case 'erase':
        return erase(input);
      case 'retention':
        return retention(input);
      case 'pseudonym':
        return pseudonym(input);
      case undefined:
        throw usageError(input, 'privacy', 'cli.usage.choice', { given: name, known: actions.join(', ') });
    }
  },
};

function subjectOf(input: CommandInput, action: string): string {
  const { subject } = input.options;
  if (typeof subject !== 'string')
    throw usageError(input, 'privacy', 'cli.usage.argument.missing', {
      command: `privacy ${action}`,
      argument: '--subject',
    });
  if (!isSubject(subject)) throw usageError(input, 'privacy', 'cli.usage.subject');
  return subject;
}

/** One conversation, or a person and what goes with them. */
function whatOf(
  input: CommandInput,
  action: string,
  withSubject: string,
): { subject: string } | { conversation: string } {
  const { conversation, subject } = input.options;
  if (typeof conversation !== 'string') return { subject: subjectOf(input, action) };
  if (subject === undefined && input.options[withSubject] === undefined) return { conversation };
  throw usageError(input, 'privacy', 'privacy.usage.one');
}

async function exportSubject(input: CommandInput): Promise<number> {
  const { say, stderr, stdout, options } = input;
  const what = whatOf(input, 'export', 'journal');
  const found = (await askPrivacy(input, 'privacy.export', what)) as unknown as PrivacyExport;
  const document = options['journal'] === true ? { ...found, journal: await recordsOf(input, found) } : found;
  // A copy of a person's data is a document, whoever reads it.
  const text = `${JSON.stringify(document, null, input.json ? 0 : 2)}\n`;
  const file = options['out'];
  if (typeof file === 'string') {
    writeTo(file, text, options['force'] === true);
    stderr.write(`${say('privacy.export.done', { file })}\n`);
  } else stdout.write(text);
  if (found.conversations.length === 0) stderr.write(`${say('privacy.export.nothing', { subject: found.subject })}\n`);
  return 0;
}

/** By the name, from before it was replaced, and by the pseudonym. */
async function recordsOf({ data }: CommandInput, { subject, pseudonym }: PrivacyExport) {
  const own: NonNullable<PrivacyExport['journal']> = [];
  for await (const { record, text } of records(join(data, 'journal')))
    if (auditFields(record).user_id === subject || text.includes(pseudonym)) own.push({ ...record });
  return own;
}

function writeTo(file: string, text: string, force: boolean): void {
  const fd = openOutput(file, force);
  try {
    writeFileSync(fd, text);
  } catch (error) {
    throw unwritable(file, error);
  } finally {
    closeSync(fd);
  }
}

async function erase(input: CommandInput): Promise<number> {
  const { 'with-keys': withKeys, 'dry-run': dryRun } = input.options;
  const what = whatOf(input, 'erase', 'with-keys');
  const asked = { ...what, withKeys: withKeys === true, dryRun: dryRun === true };
  const document = (await askPrivacy(input, 'privacy.erase', asked)) as unknown as ErasureDocument;
  if (input.json) input.stdout.write(`${JSON.stringify(document)}\n`);
  else input.stdout.write(`${erasureLines(input, document, what).join('\n')}\n`);
  return 0;
}

function erasureLines(
  { say }: CommandInput,
  { erased, counts, remains }: ErasureDocument,
  what: { subject?: string; conversation?: string },
): string[] {
  const took = Object.entries(counts).filter(([, count]) => count > 0);
  const whole = what.subject === undefined ? 'conversation' : 'subject';
  const did = took.length === 0 ? 'nothing' : erased ? 'erased' : 'would-erase';
  const width = Math.max(0, ...took.map(([name]) => say(countName(name)).length));
  return [
    say(`privacy.${did}.${whole}`, { name: what.subject ?? what.conversation ?? '' }),
    ...took.map(([name, count]) => `  ${say(countName(name)).padEnd(width)}  ${count}`),
    say(erased ? 'privacy.remains' : 'privacy.would-remain'),
    ...remains.map((one) => `  - ${sayRemaining(say, one)}`),
  ];
}

/** A newer instance may count what this program has no word for. */
function countName(name: string): TextKey {
  return countNames.find((known) => known === `privacy.count.${name}`) ?? 'privacy.count.other';
}

const countNames = [
  'privacy.count.conversations',
  'privacy.count.messages',
  'privacy.count.settings',
  'privacy.count.setAside',
  'privacy.count.behaviour',
  'privacy.count.earlierAnswers',
  'privacy.count.answerCache',
  'privacy.count.deferred',
  'privacy.count.keys',
  'privacy.count.sessions',
] as const satisfies readonly TextKey[];

function sayRemaining(say: CommandInput['say'], { what, about }: Remaining): string {
  return say(`privacy.remains.${what}`, { about: about.join(', ') });
}

async function retention(input: CommandInput): Promise<number> {
  const { say, stdout } = input;
  const apply = input.options['apply'] === true;
  const document = (await askPrivacy(input, 'privacy.retention', { apply })) as unknown as RetentionDocument;
  if (input.json) stdout.write(`${JSON.stringify(document)}\n`);
  else
    for (const { of, period, before, count } of document.periods) {
      const facts = { period, count: count ?? 0, before: before === null ? '' : when(before, input) };
      const state = before === null ? 'forever' : count === null ? 'away' : apply ? 'applied' : 'due';
      stdout.write(`${say(`privacy.of.${of}`)}: ${say(`privacy.period.${state}`, facts)}\n`);
    }
  return document.periods.some(({ count }) => count === null) ? 3 : 0;
}

function when(instant: string, { lang }: CommandInput): string {
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(instant));
}

async function pseudonym(input: CommandInput): Promise<number> {
  const subject = subjectOf(input, 'pseudonym');
  const found = (await askPrivacy(input, 'privacy.pseudonym', { subject })) as { pseudonym: string };
  if (input.json) input.stdout.write(`${JSON.stringify({ schema: 'rempart/pseudonym@1', subject, ...found })}\n`);
  else input.stdout.write(`${found.pseudonym}\n`);
  return 0;
}
