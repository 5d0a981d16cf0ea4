// Conversations with what a careful reviewer says of each: read from YAML, judged, and compared.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { analyseConversation } from '../src/analyze/analyse-conversation.ts';
import type { Conversation } from '../src/analyze/conversation.ts';
import { familyOf } from '../src/analyze/knowledge/cwe-family.ts';
import { type AnalysedConversation, domainStates, domains, type Finding } from '../src/platform/documents/analysis.ts';

const turn = z
  .strictObject({ user: z.string(), assistant: z.string(), tool: z.string(), branch: z.string() })
  .partial();
/** `89 fixed user@0 fixed@1`: class, state, who wrote it where, where it was mended. All but the class may be left out. */
const found = z.string().regex(/^(?:\d+|secret)(?: [a-z]+)?(?: (?:user|assistant|tool)@\d+)?(?: fixed@\d+)?$/);
const caseSchema = z.strictObject({
  name: z.string(),
  lang: z.enum(['fr', 'en']),
  turns: z.array(turn),
  /** How differences begin that are known and not mended: the bench counts them, the test does not. */
  known: z.array(z.string()).default([]),
  expect: z.strictObject({
    found: z.array(found),
    /** May be found or not. */
    may: z.array(found).default([]),
    practices: z.array(z.string()),
    mayPractices: z.array(z.string()).default([]),
    domains: z.partialRecord(z.enum(domains), z.enum(domainStates)).default({}),
    score: z.number().nullable().optional(),
    scoreRange: z.tuple([z.number(), z.number()]).optional(),
  }),
});
export type Case = z.infer<typeof caseSchema> & { file: string };

/** Keys that look real and open nothing: put together here, so that no file holds one. */
const keys: Readonly<Record<string, string>> = {
  aws: `AKIA${'Q7ZD4M2XW9KTB3LP'}`,
  awssecret: `${'h8Kq2Lz9Vw4Xc7Bn1Mf6'}${'Rt3Yp5Sg0Jd8Ae2Ui4Ok'}`,
  stripe: `sk_${'live'}_${'51Hb9KqLz2Vw4Xc7Bn1Mf6Rt3Yp5'}`,
  github: `ghp_${'a8Kd03Lq9ZxPw27TnB5vYc1RfH6mJsE4uGiO'}`,
  openai: `sk-proj-${'Ab3dE7gH9kLmN2pQrS5tUvW8xYz1'.repeat(2)}`,
  password: `Vr7${'kQ2z'}Lm9xW`,
};

export function readCases(folder: string): Case[] {
  return globSync('*.yaml', { cwd: folder })
    .sort()
    .flatMap((file) => {
      const list = z.array(caseSchema).parse(parse(readFileSync(join(folder, file), 'utf8')));
      return list.map((one) => ({ ...one, file: basename(file, '.yaml') }));
    });
}

export function conversationOf({ name, turns }: Case): Conversation {
  return {
    id: name,
    title: name,
    source: `${name}.json`,
    format: 'openai',
    messages: turns.map(({ branch = 'main', ...said }, index) => {
      const [author = 'user', text = ''] = Object.entries(said)[0] ?? [];
      return {
        index,
        author: author as 'user',
        branch,
        at: null,
        model: null,
        hidden: false,
        failed: false,
        parts: [{ kind: 'prose', text: text.replace(/\{\{(\w+)\}\}/g, (_, key: string) => keys[key] ?? key) }],
      };
    }),
    repairs: [],
    unread: { unknownTypes: {}, messages: 0 },
  };
}

export interface Tally {
  right: number;
  missed: number;
  extra: number;
}
export interface Compared {
  findings: Tally;
  states: { right: number; wrong: number };
  practices: Tally;
  domains: { right: number; wrong: number };
  /** Distance to the reviewer's score; null where none was given. */
  scoreOff: number | null;
  score: number | null;
  /** What differs, in words. */
  differences: string[];
  analysed: AnalysedConversation;
}

interface Wanted {
  text: string;
  cls: string;
  state: string | undefined;
  place: string | undefined;
  mended: number | null;
}

function wantedOf(text: string): Wanted {
  const [cls = '', ...rest] = text.split(' ');
  const mended = rest.find((word) => word.startsWith('fixed@'));
  return {
    text,
    cls,
    state: rest.find((word) => /^[a-z]+$/.test(word)),
    place: rest.find((word) => /^(?:user|assistant|tool)@/.test(word)),
    mended: mended === undefined ? null : Number(mended.slice(6)),
  };
}

function isClass(finding: Finding, cls: string): boolean {
  if (cls === 'secret') return finding.rule.startsWith('secrets.');
  return finding.cwe.some((one) => familyOf(one) === familyOf(`CWE-${cls}`));
}

function agrees(finding: Finding, { state, place, mended }: Wanted): boolean {
  if (state !== undefined && finding.state !== state) return false;
  if (place !== undefined && `${finding.author}@${finding.messageIndex}` !== place) return false;
  return (
    mended === null || finding.life.some(({ event, messageIndex }) => event === 'fixed' && messageIndex === mended)
  );
}

export function compare(one: Case): Compared {
  const { expect, lang } = one;
  const analysed = analyseConversation(conversationOf(one), { lang }, 1);
  const differences: string[] = [];
  const left = [...analysed.findings];
  const states = { right: 0, wrong: 0 };
  const findings: Tally = { right: 0, missed: 0, extra: 0 };
  const take = (want: Wanted) => {
    const exact = left.find((finding) => isClass(finding, want.cls) && agrees(finding, want));
    return exact ?? left.find((finding) => isClass(finding, want.cls));
  };
  // The exact ones first, so that one does not take the finding that another means.
  const wanted = expect.found.map(wantedOf);
  const exactly = (want: Wanted) => left.some((finding) => isClass(finding, want.cls) && agrees(finding, want));
  for (const want of [...wanted.filter(exactly), ...wanted.filter((w) => !exactly(w))]) {
    const finding = take(want);
    if (finding === undefined) {
      findings.missed += 1;
      differences.push(`missed ${want.text}`);
      continue;
    }
    left.splice(left.indexOf(finding), 1);
    findings.right += 1;
    if (agrees(finding, want)) states.right += 1;
    else {
      states.wrong += 1;
      differences.push(`${want.text} but ${told(finding)}`);
    }
  }
  const may = expect.may.map(wantedOf);
  for (const finding of left) {
    if (may.some((want) => isClass(finding, want.cls) && agrees(finding, want))) continue;
    findings.extra += 1;
    differences.push(`extra ${told(finding)}`);
  }
  const practices = comparePractices(one, analysed, differences);
  const domainTally = { right: 0, wrong: 0 };
  for (const [domain, state] of Object.entries(expect.domains)) {
    const got = analysed.domains[domain as keyof AnalysedConversation['domains']].state;
    domainTally[got === state ? 'right' : 'wrong'] += 1;
    if (got !== state) differences.push(`${domain} ${got}, not ${state}`);
  }
  const { score } = analysed.maturity;
  const scoreOff = offBy(score, expect);
  if (scoreOff !== null && scoreOff > 1)
    differences.push(`score ${score}, reviewed ${expect.score ?? expect.scoreRange}`);
  return { findings, states, practices, domains: domainTally, scoreOff, score, differences, analysed };
}

function comparePractices({ expect }: Case, analysed: AnalysedConversation, differences: string[]): Tally {
  const seen = analysed.goodPractices.map(({ id }) => id);
  const missed = expect.practices.filter((id) => !seen.includes(id));
  const extra = seen.filter((id) => !expect.practices.includes(id) && !expect.mayPractices.includes(id));
  for (const id of missed) differences.push(`practice missed: ${id}`);
  for (const id of extra) {
    const at = analysed.goodPractices.find((practice) => practice.id === id)?.evidence[0];
    differences.push(`practice extra: ${id} (${at?.messageIndex}: ${at?.excerpt.slice(0, 80)})`);
  }
  return { right: expect.practices.length - missed.length, missed: missed.length, extra: extra.length };
}

function offBy(score: number | null, { score: wanted, scoreRange }: Case['expect']): number | null {
  if (scoreRange !== undefined) return score === null ? 0 : Math.max(0, scoreRange[0] - score, score - scoreRange[1]);
  if (wanted === undefined) return null;
  if (wanted === null || score === null) return wanted === score ? 0 : 10;
  return Math.abs(score - wanted);
}

function told({ rule, cwe, state, author, messageIndex, life, excerpt }: Finding): string {
  const events = life.map(({ event, messageIndex: at }) => `${event}@${at}`).join(' ');
  return `${cwe[0]} ${rule} ${state} ${author}@${messageIndex} [${events}] ${excerpt.split('\n')[0]?.slice(0, 60)}`;
}
