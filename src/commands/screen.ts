// `rempart screen`: JSON lines with texts on stdin, a verdict per line on stdout, in the same order.
import { explainError, RempartError } from '../platform/base/errors.ts';
import type { VerdictDocument } from '../platform/documents/verdict.ts';
import type { PromptScreen } from '../protect/screening/prompts.ts';
import { loadPromptScreen } from '../protect/screening/shipped.ts';
import { type Category, type Role, roles } from '../protect/screening/verdict.ts';
import type { Command, CommandInput } from './command.ts';

/** OWASP Top 10 for LLM Applications 2025; MITRE ATLAS 5.6. */
const references: Readonly<Record<Category, { owasp: string[]; atlas: string[] }>> = {
  injection: { owasp: ['LLM01:2025'], atlas: ['AML.T0051'] },
  jailbreak: { owasp: ['LLM01:2025'], atlas: ['AML.T0054'] },
  'code-execution': { owasp: ['LLM01:2025', 'LLM05:2025'], atlas: ['AML.T0051', 'AML.T0050'] },
  secret: { owasp: ['LLM02:2025'], atlas: ['AML.T0057'] },
  'personal-data': { owasp: ['LLM02:2025'], atlas: ['AML.T0057'] },
  internal: { owasp: ['LLM02:2025'], atlas: ['AML.T0057'] },
  'system-prompt': { owasp: ['LLM07:2025'], atlas: ['AML.T0056'] },
  anomaly: { owasp: ['LLM10:2025'], atlas: ['AML.T0029'] },
};
/** What is longer is no message; memory stays bounded. */
const maxLineChars = 4_194_304;

export const screen: Command = {
  name: 'screen',
  summary: 'screen.summary',
  options: { explain: { type: 'boolean', summary: 'screen.flag.explain' } },
  more: 'screen.more',
  async run(input) {
    const screenPrompt = loadPromptScreen();
    if (process.stdin.isTTY) input.stderr.write(`${input.say('screen.waiting')}\n`);
    let unscreened = 0;
    let out = '';
    for await (const { text, tooLong } of linesOf(process.stdin)) {
      if (input.signal.aborted) return 130;
      if (text.trim() === '' && !tooLong) continue;
      const verdict = tooLong ? unreadable(input) : verdictOn(text, screenPrompt, input);
      if (verdict.kind === 'unscreened') unscreened++;
      out += `${JSON.stringify(verdict)}\n`;
      if (out.length < 16_384) continue;
      await write(input, out);
      out = '';
    }
    await write(input, out);
    return unscreened === 0 ? 0 : 1;
  },
};

function verdictOn(line: string, screenPrompt: PromptScreen, input: CommandInput): VerdictDocument {
  const asked = readLine(line);
  if (asked === null) return unreadable(input);
  const { text, role } = asked;
  const { verdict, score, reasons, found } =
    input.options['explain'] === true
      ? screenPrompt.explain(text, role)
      : { ...screenPrompt.brief(text, role), reasons: [], found: null };
  const explain = input.options['explain'] === true ? { explain: { found, reasons: [...reasons] } } : {};
  switch (verdict.kind) {
    case 'clean':
      return { kind: 'clean', category: null, score: score ?? 0, rules: [], owasp: [], atlas: [], role, ...explain };
    case 'suspicious': {
      const { kind, category, rules } = verdict;
      return { kind, category, score: verdict.score, rules: [...rules], ...references[category], role, ...explain };
    }
    case 'unscreened':
      return { ...unscreenedVerdict(new RempartError('ERR_UNSCREENED', {}, verdict.cause), input), role };
  }
}

function readLine(line: string): { text: string; role: Role } | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { text, role = 'user' } = parsed as { text?: unknown; role?: unknown };
  const known = roles.find((one) => one === role);
  return typeof text === 'string' && known !== undefined ? { text, role: known } : null;
}

function unreadable(input: CommandInput): VerdictDocument {
  return unscreenedVerdict(new RempartError('ERR_SCREEN_LINE'), input);
}

function unscreenedVerdict(error: RempartError, { lang }: CommandInput): VerdictDocument {
  return {
    kind: 'unscreened',
    category: null,
    score: 0,
    rules: [],
    owasp: [],
    atlas: [],
    role: null,
    error: { code: error.code, message: explainError(error, lang).says },
  };
}

/** Lines as they come; a line that is too long is said once and skipped. */
async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<{ text: string; tooLong: boolean }> {
  let held = '';
  // What some editors begin a file with is no part of its first line.
  let isBegin = true;
  let skipping = false;
  stream.setEncoding('utf8');
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (isBegin ? chunk.replace(/^\ufeff/, '') : held + chunk).split('\n');
    isBegin = false;
    held = lines.pop() ?? '';
    for (const text of lines) {
      if (!skipping) yield { text, tooLong: text.length > maxLineChars };
      skipping = false;
    }
    if (held.length > maxLineChars) {
      if (!skipping) yield { text: '', tooLong: true };
      skipping = true;
      held = '';
    }
  }
  if (held !== '' && !skipping) yield { text: held, tooLong: false };
}

async function write({ stdout }: CommandInput, text: string): Promise<void> {
  if (text !== '' && !stdout.write(text)) await new Promise((resolve) => stdout.once('drain', resolve));
}
