// A ChatGPT export of any size, the same for the same seed: ordinary talk with code in some answers, or code in every one.
import { createHash } from 'node:crypto';
import { closeSync, globSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..');

export interface TalkOptions {
  bytes: number;
  /** Of how many answers one holds code. */
  codeEvery: number;
  /** The share of those blocks that hold a weakness. */
  weak: number;
}

const subjects =
  'the recipe,our garden,my sister,the report,this chapter,the train,a good answer,the neighbour,your plan,the old bridge,that letter,the team,a small firm,the exam,my cover letter,the dog,their holiday,the function,the page,a customer,la recette,notre jardin,ma sœur,le rapport,ce chapitre,le train,une bonne réponse,la voisine,votre projet,le vieux pont,cette lettre,l’équipe,une petite entreprise,l’examen,mon dossier'.split(
    ',',
  );
const verbs =
  'needs,explains,changes,keeps,describes,follows,improves,costs,shows,leaves out,repeats,compares,supports,demande,explique,change,garde,décrit,suit,améliore,coûte,montre,oublie,répète,compare,soutient'.split(
    ',',
  );
const objects =
  'a clear outline,two cups of flour,the second half,some patience,an earlier draft,the whole budget,a better title,three short examples,the first week,a list of names,plenty of time,the weather in spring,the same number,a friendly tone,le plan général,deux verres de farine,la deuxième moitié,un peu de patience,une version plus courte,tout le budget,un meilleur titre,trois exemples brefs,la première semaine,une liste de noms,beaucoup de temps,le même nombre,un ton cordial'.split(
    ',',
  );
const tails =
  'before the end of the month,when it rains,because readers like it,and then we can go on,as you said above,without changing the meaning,in most cases,if there is room,avant la fin du mois,quand il pleut,parce que cela se lit mieux,et ensuite on continue,comme vous le disiez,sans changer le sens,dans la plupart des cas,s’il reste de la place'.split(
    ',',
  );
const syllables = 'ba,co,di,fen,gar,hol,in,ka,lum,mer,no,or,pel,qui,ros,sta,tel,ur,vin,wes,yo,zan'.split(',');

/** What was written, so that a figure can say of what it is one. */
export interface TalkFacts {
  conversations: number;
  messages: number;
  bytes: number;
  /** Bytes of what is said, code included; the rest is what an export says about each message. */
  textBytes: number;
  codeBytes: number;
  blocks: number;
  /** Blocks that came before, letter by letter. */
  repeated: number;
}

export function writeTalk(file: string, { bytes, codeEvery, weak }: TalkOptions): TalkFacts {
  const facts = { conversations: 0, messages: 0, bytes: 0, textBytes: 0, codeBytes: 0, blocks: 0, repeated: 0 };
  const talk = talker(codeEvery, weak, facts);
  const fd = openSync(file, 'w');
  facts.bytes = writeSync(fd, '[');
  for (; facts.bytes < bytes; facts.conversations++)
    facts.bytes += writeSync(fd, (facts.conversations === 0 ? '' : ',\n') + talk(facts.conversations));
  facts.bytes += writeSync(fd, ']');
  closeSync(fd);
  return facts;
}

function talker(codeEvery: number, weak: number, facts: TalkFacts): (n: number) => string {
  const met = new Set<string>();
  let seed = 11;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const one = <T>(of: readonly T[]): T => of[random(of.length)]!;
  // A conversation keeps coming back to the names of its own subject.
  let names: string[] = [];
  const newName = () => Array.from({ length: 2 + random(3) }, () => one(syllables)).join('');
  const word = () => (random(8) === 0 ? newName() : one(names));
  const sound = ordinaryCode();
  const faulty = weakCode();
  const told = documentation();

  const sentence = () => {
    if (random(4) === 0) return one(told);
    const plain = `${one(subjects)} ${one(verbs)} ${one(objects)} ${one(tails)}`;
    return `${plain[0]!.toUpperCase()}${plain.slice(1)}${random(3) === 0 ? ` (${word()} ${random(2_000)})` : ''}.`;
  };
  const paragraph = (most: number) => Array.from({ length: 1 + random(most) }, sentence).join(' ');
  const list = () => Array.from({ length: 3 + random(4) }, () => `- **${word()}** : ${sentence()}`).join('\n');
  // Each has names and a remark of its own: what is remembered of one block must not make the next one look fast.
  const code = () => {
    const { language, text } = one(random(1_000) < weak * 1_000 ? faulty : sound);
    const renamed = text.replace(/\b(data|name|result|item|user|value|row|page)\b/g, `$1_${word()}`);
    const named = `${renamed.trimEnd()}\n${remark(language)}`;
    const hash = createHash('sha256').update(named).digest('base64');
    facts.blocks++;
    facts.codeBytes += Buffer.byteLength(named);
    if (met.has(hash)) facts.repeated++;
    else met.add(hash);
    return `\n\n\`\`\`${language}\n${named.trimEnd()}\n\`\`\`\n\n`;
  };
  const remark = (language: string) => {
    const words = `${word()} ${random(100_000)}`;
    if (/^(?:html|xml)/.test(language)) return `<!-- ${words} -->`;
    return `${/^(?:python|ruby|bash|sh|yaml|dockerfile|shell|kubernetes)/.test(language) ? '#' : /^sql/.test(language) ? '--' : '//'} ${words}`;
  };
  const question = () => paragraph(4);
  const answer = (i: number) =>
    `${paragraph(6)}\n\n## ${word()}\n\n${list()}${i % codeEvery === 0 ? code() : '\n\n'}${paragraph(6)}`;
  const hex = (length: number) => Array.from({ length }, () => random(16).toString(16)).join('');
  const uuid = () => [8, 4, 4, 4, 12].map(hex).join('-');

  let answers = 0;
  return (n) => {
    names = Array.from({ length: 12 }, newName);
    const mapping: Record<string, unknown> = {};
    const ids = Array.from({ length: 3 + 2 * random(12) }, uuid);
    ids.forEach((id, i) => {
      const links = { id, parent: ids[i - 1] ?? null, children: ids[i + 1] === undefined ? [] : [ids[i + 1]] };
      const asks = i % 2 === 1;
      const text = asks ? question() : answer(answers++);
      mapping[id] = { ...links, message: i === 0 ? null : message(id, asks, text, 1.7e9 + n * 5_000 + i * 40) };
    });
    const id = uuid();
    return JSON.stringify({
      title: `${word()} ${word()}`,
      create_time: 1.7e9 + n * 5_000,
      update_time: 1.7e9 + n * 5_000 + 900,
      mapping,
      moderation_results: [],
      current_node: ids.at(-1),
      conversation_id: id,
      default_model_slug: 'gpt-4o',
      id,
    });
  };

  function message(id: string, asks: boolean, text: string, at: number) {
    facts.messages++;
    facts.textBytes += Buffer.byteLength(text);
    return {
      id,
      author: { role: asks ? 'user' : 'assistant', name: null, metadata: {} },
      create_time: at,
      update_time: null,
      content: { content_type: 'text', parts: [text] },
      status: 'finished_successfully',
      end_turn: asks ? null : true,
      weight: 1,
      metadata: asks
        ? { serialization_metadata: { custom_symbol_offsets: [] }, request_id: hex(16), timestamp_: 'absolute' }
        : {
            finish_details: { type: 'stop', stop_tokens: [200_002] },
            is_complete: true,
            citations: [],
            content_references: [],
            model_slug: 'gpt-4o',
            parent_id: uuid(),
            request_id: hex(16),
            timestamp_: 'absolute',
          },
      recipient: 'all',
      channel: null,
    };
  }
}

interface Snippet {
  language: string;
  text: string;
}

function ordinaryCode(): Snippet[] {
  return readFileSync(join(root, 'bench', 'ordinary-code.txt'), 'utf8')
    .split(/^=== /m)
    .filter((block) => block !== '')
    .map((block) => ({ language: block.slice(0, block.indexOf('\n')), text: block.slice(block.indexOf('\n') + 1) }));
}

/** What the code rules give as their own bad examples. */
function weakCode(): Snippet[] {
  return globSync('rules/code/*/*.yaml', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .flatMap((file) => {
      const folder = file.split('/')[2]!;
      const language = folder === 'general' || folder === 'script' ? 'javascript' : folder;
      const rules = (parse(readFileSync(join(root, file), 'utf8')) ?? []) as { examples: { bad: string[] } }[];
      return rules.flatMap(({ examples }) => examples.bad.map((text) => ({ language, text })));
    });
}

/** Sentences of this project's own pages: talk about security, as a part of the conversations has it. */
function documentation(): string[] {
  const files = [...globSync('docs/*.md', { cwd: root }), 'README.md', 'README.fr.md'].sort();
  return files
    .flatMap((file) => readFileSync(join(root, file), 'utf8').split('\n'))
    .filter((line) => /^[A-ZÀ-Ý«]/.test(line))
    .flatMap((line) => line.split(/(?<=[.!?]) +/))
    .filter((sentence) => sentence.length > 30 && sentence.length < 400);
}
