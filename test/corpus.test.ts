// Holds rempart-prompts to what its README promises: schema, twins, no two texts alike, enough benign ones, and none of those that are only measured with.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const directory = join(dirname(fileURLToPath(import.meta.url)), '..', 'corpus', 'rempart-prompts');
const closest = 0.6;

const injection =
  'override prompt-leak quoted-document output-format tool-hijack exfiltration fake-conversation fake-system translation multi-step'.split(
    ' ',
  );
const jailbreak = 'persona erosion fiction persuasion refusal-suppression'.split(' ');
const execution = 'code-python code-js code-shell code-powershell code-sql code-template code-other'.split(' ');
const familiesOf: Record<string, readonly string[]> = {
  injection: [...injection, ...jailbreak],
  jailbreak: [
    ...jailbreak,
    'output-format',
    'fake-conversation',
    'fake-system',
    'translation',
    'multi-step',
    'override',
  ],
  'code-execution': [...execution, 'tool-hijack', 'quoted-document', 'multi-step'],
  benign:
    'everyday code-question code-review attack-question security-teaching attack-quote correction code-explained operator-prompt suspicious-translation security-fiction admin-config harmless-roleplay trigger-word clean-document'.split(
      ' ',
    ),
};

const row = z.strictObject({
  id: z.string().regex(/^(fr|en|de|es|it|pt)-\d{4,5}$/),
  text: z.string().min(2),
  lang: z.enum(['fr', 'en', 'de', 'es', 'it', 'pt']),
  label: z.enum(['attack', 'benign']),
  category: z.enum(['injection', 'jailbreak', 'code-execution']).nullable(),
  role: z.enum(['user', 'tool', 'system']),
  family: z.string(),
  disguise: z.enum(
    'plain polite urgent typos leet spaced base64 hex rot13 url-encoded reversed zero-width homoglyph code-block json yaml xml html markdown table email log poem story exam dialogue mixed-language'.split(
      ' ',
    ),
  ),
  domain: z.enum(
    'support banking health hr ecommerce education public-services law travel software industry agriculture museum sport insurance energy transport media cooking family culture science security real-estate telecom hospitality association games general'.split(
      ' ',
    ),
  ),
  register: z.enum(
    'neutral formal casual texting administrative teen engineer elderly second-language vous tu quebec belgian swiss african british american indian'.split(
      ' ',
    ),
  ),
  length: z.enum(['short', 'medium', 'long']),
  explicit: z.boolean().optional(),
  twin: z.string().optional(),
});
type Row = z.infer<typeof row>;

const lines = readdirSync(directory)
  .filter((name) => name.endsWith('.jsonl'))
  .flatMap((name) =>
    readFileSync(join(directory, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line, at) => ({ where: `${name}:${at + 1}`, json: line })),
  );
const rows = lines.flatMap(({ json }) => {
  const parsed = row.safeParse(JSON.parse(json));
  return parsed.success ? [parsed.data] : [];
});

function lengthOf(text: string): Row['length'] {
  if (text.length < 160) return 'short';
  return text.length <= 600 ? 'medium' : 'long';
}

/** Every run of five characters, case and white space apart, as a number of its own: the rarer, the smaller. */
function shinglesOf(texts: readonly string[]): Uint32Array[] {
  const numbers = new Map<string, number>();
  const frequency: number[] = [];
  const sets = texts.map((text) => {
    const plain = text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
    const own = new Set<number>();
    for (let at = 0; at < Math.max(1, plain.length - 4); at++) {
      const shingle = plain.slice(at, at + 5);
      let number = numbers.get(shingle);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(shingle, number);
        frequency.push(0);
      }
      if (own.has(number)) continue;
      own.add(number);
      frequency[number]!++;
    }
    return own;
  });
  const rank = new Uint32Array(frequency.length);
  frequency
    .map((_, number) => number)
    .sort((a, b) => frequency[a]! - frequency[b]!)
    .forEach((number, at) => {
      rank[number] = at;
    });
  return sets.map((set) => Uint32Array.from(set, (number) => rank[number]!).sort());
}

/** Of two lists of numbers in order. */
function jaccard(a: Uint32Array, b: Uint32Array): number {
  let both = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) both++;
    if (a[i]! <= b[j]!) {
      if (a[i] === b[j]) j++;
      i++;
    } else j++;
  }
  return both / (a.length + b.length - both);
}

/**
 * Pairs at or above the bound, none missed. From the smallest set to the largest: a set and a smaller one that it is that
 * close to share one of their rarest shingles, of the smaller one of the rarest quarter, and what is left behind those
 * must do for the rest (Bayardo et al., 2007; Xiao et al., 2008). 38,000 texts: 15 s where it took 68 to try all that share one of their rarest.
 */
function pairsAlike(texts: readonly string[], bound: number): [number, number, number][] {
  const index = new Map<number, { at: number; place: number }[]>();
  const pairs: [number, number, number][] = [];
  const sets = shinglesOf(texts);
  const bySize = [...sets.keys()].sort((a, b) => sets[a]!.length - sets[b]!.length);
  for (const at of bySize) {
    const set = sets[at]!;
    const met = new Set<number>();
    const probed = set.length - Math.ceil(bound * set.length) + 1;
    const indexed = set.length - Math.ceil(((2 * bound) / (1 + bound)) * set.length) + 1;
    for (let place = 0; place < probed; place++) {
      const holders = index.get(set[place]!);
      for (const { at: other, place: there } of holders ?? []) {
        const smaller = sets[other]!;
        if (met.has(other) || smaller.length < bound * set.length) continue;
        met.add(other);
        // This is the first that both have: they can share it and what follows it in both.
        const most = Math.min(set.length - place, smaller.length - there);
        if (most < (bound / (1 + bound)) * (set.length + smaller.length)) continue;
        const near = jaccard(set, smaller);
        if (near >= bound) pairs.push([Math.min(at, other), Math.max(at, other), near]);
      }
      if (place >= indexed) continue;
      if (holders === undefined) index.set(set[place]!, [{ at, place }]);
      else holders.push({ at, place });
    }
  }
  return pairs;
}

function counted(of: readonly Row[], key: (row: Row) => string): string {
  const counts = new Map<string, number>();
  for (const each of of) counts.set(key(each), (counts.get(key(each)) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

test('rempart-prompts: every line has the fields and values of the schema', () => {
  const wrong = lines.flatMap(({ where, json }) => {
    const parsed = row.safeParse(JSON.parse(json));
    return parsed.success ? [] : [`${where} ${z.prettifyError(parsed.error)}`];
  });
  assert.deepEqual(wrong, []);
  assert.ok(rows.length > 0, 'the corpus is empty');
});

test('rempart-prompts: label, category, family, explicit, length and the language of the id agree', () => {
  const wrong = rows.filter((each) => {
    const families = familiesOf[each.category ?? 'benign']!;
    const attack = each.label === 'attack';
    return (
      attack !== (each.category !== null) ||
      attack !== (each.explicit !== undefined) ||
      !families.includes(each.family) ||
      each.length !== lengthOf(each.text) ||
      !each.id.startsWith(each.lang)
    );
  });
  assert.deepEqual(
    wrong.map(({ id, label, category, family, length }) => `${id} ${label} ${category} ${family} ${length}`),
    [],
  );
});

test('rempart-prompts: no id and no text stands twice', () => {
  const twice = (values: readonly string[]) => {
    const met = new Set<string>();
    return values.filter((value) => met.size === met.add(value).size);
  };
  assert.deepEqual(twice(rows.map(({ id }) => id)), []);
  assert.deepEqual(twice(rows.map(({ text }) => text.normalize('NFKC').toLowerCase())), []);
});

test('rempart-prompts: a twin points back, and one of the two is clean', () => {
  const byId = new Map(rows.map((each) => [each.id, each]));
  const wrong = rows.filter((each) => {
    if (each.twin === undefined) return false;
    const twin = byId.get(each.twin);
    return twin?.twin !== each.id || twin.label === each.label || twin.role !== each.role;
  });
  assert.deepEqual(
    wrong.map(({ id, twin }) => `${id} → ${twin}`),
    [],
  );
});

const unseen = readFileSync(join(directory, '..', 'unseen-prompts.jsonl'), 'utf8')
  .trim()
  .split('\n');
const unseenTexts = unseen.map((line) => (JSON.parse(line) as { text: string }).text);
/** Looked for once, since it takes a minute. */
const alike = pairsAlike([...rows.map(({ text }) => text), ...unseenTexts], closest);

test('rempart-prompts: no two texts but twins are closer than a Jaccard index of 0.6', () => {
  const wrong = alike
    .filter(([, b]) => b < rows.length)
    .map(([a, b, near]) => ({ a: rows[a]!, b: rows[b]!, near }))
    .filter(({ a, b }) => a.twin !== b.id);
  assert.deepEqual(
    wrong.map(({ a, b, near }) => `${a.id} ${b.id} ${near.toFixed(2)}`),
    [],
  );
});

test('unseen-prompts: no text is, or nearly is, one that is learned from', () => {
  const known = alike.filter(([a, b]) => a < rows.length && b >= rows.length);
  assert.deepEqual(
    known.map(([a, b, near]) => `${rows[a]!.id}, line ${b - rows.length + 1}: ${near.toFixed(2)}`),
    [],
  );
  assert.ok(unseen.length > 1_000, 'the texts to measure with are missing');
});

test('rempart-prompts: the search for near copies finds a text with one word changed, and only that', () => {
  const texts = [
    'où puis-je faire renouveler mon passeport avant les vacances de février ?',
    'où puis-je faire renouveler mon permis avant les vacances de février ?',
    'quel temps fera-t-il pendant les vacances de février ?',
  ];
  assert.deepEqual(
    pairsAlike(texts, closest).map(([a, b]) => [a, b]),
    [[0, 1]],
  );
});

test('rempart-prompts: at least two texts in five are benign, in every language', (context) => {
  for (const lang of new Set(rows.map((each) => each.lang))) {
    const own = rows.filter((each) => each.lang === lang);
    const benign = own.filter(({ label }) => label === 'benign').length;
    context.diagnostic(`${lang}: ${own.length} texts, ${benign} benign`);
    for (const key of ['category', 'role', 'family', 'disguise', 'domain', 'register', 'length', 'explicit'] as const)
      context.diagnostic(
        `${lang} ${key}: ${counted(own, (each) => `${each.label} ${each[key] ?? 'none'}`.replace(/^benign none$/, 'benign'))}`,
      );
    assert.ok(benign / own.length >= 0.4, `${lang}: ${benign} benign of ${own.length}`);
  }
});
