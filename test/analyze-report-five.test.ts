// Five conversations of three makers, from their files to the report: every section, every link, every number.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Nodes, Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { type Analysis, analysisSchema } from '../src/platform/documents/analysis.ts';
import { makePlace, run } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;

type Turns = readonly (readonly [role: 'user' | 'assistant', text: string])[];

const login: Turns = [
  ['user', 'Écris une connexion avec Flask et SQLite.'],
  [
    'assistant',
    'Voici :\n```python\nimport sqlite3\nfrom flask import request\n\ndef login():\n    user = request.form["user"]\n    db = sqlite3.connect("app.db")\n    row = db.execute(f"SELECT * FROM users WHERE name = \'{user}\'").fetchone()\n    return row is not None\n```',
  ],
  ['user', 'Il y a une injection SQL, corrige.'],
  [
    'assistant',
    'En effet, avec une requête paramétrée :\n```python\nimport sqlite3\nfrom flask import request\n\ndef login():\n    user = request.form["user"]\n    db = sqlite3.connect("app.db")\n    row = db.execute("SELECT * FROM users WHERE name = ?", (user,)).fetchone()\n    return row is not None\n```',
  ],
];
const model: Turns = [
  ['user', 'How do I put a model into production?'],
  ['assistant', 'Save it with pickle, serve it with FastAPI in a Docker container.'],
];
const shop: Turns = [
  ['user', 'Un appel à une API en JavaScript ?'],
  [
    'assistant',
    '```js\nconst { exec } = require("child_process");\napp.get("/ping", (req, res) => exec("ping " + req.query.host, (e, out) => res.send(out)));\n```',
  ],
];
const soup: Turns = [
  ['user', 'Une soupe ?'],
  ['assistant', 'Poireaux et pommes de terre.'],
];

const chatgpt = (title: string, turns: Turns) => ({
  title,
  create_time: 1,
  update_time: 2,
  conversation_id: title,
  current_node: `n${turns.length}`,
  mapping: Object.fromEntries([
    ['n0', { id: 'n0', message: null, parent: null, children: ['n1'] }],
    ...turns.map(([role, text], at) => [
      `n${at + 1}`,
      {
        id: `n${at + 1}`,
        parent: `n${at}`,
        children: at + 1 < turns.length ? [`n${at + 2}`] : [],
        message: {
          id: `m${at}`,
          author: { role },
          create_time: at,
          content: { content_type: 'text', parts: [text] },
          metadata: {},
        },
      },
    ]),
  ]),
});
const claude = (name: string, turns: Turns) => ({
  uuid: `claude-${name}-${turns.length}`,
  name,
  created_at: '2025-01-14T09:30:00.000Z',
  updated_at: '2025-01-14T09:35:00.000Z',
  chat_messages: turns.map(([role, text], at) => ({
    uuid: `m${at}`,
    text,
    content: [{ type: 'text', text }],
    sender: role === 'user' ? 'human' : 'assistant',
    created_at: `2025-01-14T09:3${at}:00.000Z`,
  })),
});
const lechat = (turns: Turns) =>
  turns.map(([role, text], at) => ({
    id: `m${at}`,
    version: 0,
    chatId: 'chat-1',
    content: text,
    contentChunks: null,
    role,
    createdAt: `2025-09-19T16:2${at}:00.000Z`,
    files: [],
  }));

const files: [name: string, content: unknown][] = [
  ['a-chatgpt.json', [chatgpt('Connexion Flask', login), chatgpt('Soupe', soup)]],
  ['b-claude.json', [claude('', model), claude('Ping', shop)]],
  ['c_le_chat.json', lechat(soup)],
];
let text = '';
let tree: Root;
let document: Analysis;

before(async () => {
  for (const [name, content] of files) writeFileSync(join(cwd, name), JSON.stringify(content));
  const names = files.map(([name]) => name);
  const { code, stdout, stderr } = await run(
    ['analyze', ...names, '--lang', 'fr', '--date', '2025-10-26T21:52:37Z', '--json', '--out', 'report.md'],
    { cwd },
  );
  assert.equal(code, 0, stderr);
  text = readFileSync(join(cwd, 'report.md'), 'utf8');
  tree = fromMarkdown(text);
  document = analysisSchema.parse(JSON.parse(stdout));
});

const textOf = (node: Nodes): string =>
  'value' in node ? node.value : 'children' in node ? node.children.map(textOf).join('') : '';
const headings = () =>
  tree.children.filter((node) => node.type === 'heading').map((node) => ({ depth: node.depth, text: textOf(node) }));

test('rempart analyze reports each conversation in its place, by title, format and state', () => {
  assert.deepEqual(
    document.conversations.map(({ title, format, status }) => [title, format, status]),
    [
      ['Connexion Flask', 'chatgpt', 'ok'],
      ['Soupe', 'chatgpt', 'ok'],
      ['Sans titre', 'claude', 'ok'],
      ['Ping', 'claude', 'ok'],
      ['c_le_chat', 'lechat', 'ok'],
    ],
  );
  const titles = headings().filter(({ depth, text: it }) => depth === 2 && /^\d/.test(it));
  assert.deepEqual(
    titles.map((it) => it.text),
    ['1. Connexion Flask', '2. Soupe', '3. Sans titre', '4. Ping', '5. c_le_chat'],
  );
  for (const format of ['CHATGPT', 'CLAUDE', 'LECHAT']) assert.ok(text.includes(`**Format**: ${format}`), format);
});

test('rempart analyze gives every conversation every section', () => {
  const sections = [
    'Résumé Exécutif',
    'Vulnérabilités Identifiées',
    'Bonnes Pratiques Appliquées',
    'Recommandations Additionnelles',
    'Score de Maturité',
    'Domaines Couverts',
  ];
  for (const section of sections) {
    const found = headings().filter((it) => it.depth === 2 && it.text.includes(section));
    assert.equal(found.length, 5, section);
  }
  assert.equal(text.match(/^\*\*Conclusion\*\*: \S/gm)?.length, 5);
  assert.equal(headings().filter((it) => it.text.includes("RAPPORT D'ANALYSE DE SÉCURITÉ")).length, 5);
});

test('rempart analyze says the same numbers in the report as in the document', () => {
  const number = new Intl.NumberFormat('fr-FR', { maximumFractionDigits: 1 });
  const parts = text.split(/^## (?=\d+\. )/m).slice(1);
  for (const [index, { tokens, maturity, findings, source }] of document.conversations.entries()) {
    const part = parts[index]!;
    assert.ok(part.includes(`**Source**: ${source}`), source);
    assert.ok(
      part.includes(`**Tokens**: ${number.format(tokens.count)} (${tokens.exact ? tokens.tokenizer : 'estimé'})`),
    );
    if (maturity.score !== null) assert.ok(part.includes(`Score de Maturité: ${number.format(maturity.score)}/10`));
    assert.equal(part.match(/^### \d+\. /gm)?.length ?? 0, findings.filter(({ state }) => state !== 'example').length);
    for (const { id, title } of findings) assert.ok(part.includes(id), `${id} ${title}`);
  }
  assert.match(text, /\*\*Nombre de conversations\*\*: 5/);
  assert.match(text, /Succès: 5\n- ❌ Erreurs: 0/);
});

test('rempart analyze tells the life of a weakness, and what is still open', () => {
  assert.match(text, /Corrigée\u00a0: introduite au message 2 par l'assistant.*corrigée au message 4 par l'assistant/);
  const ping = text.slice(text.indexOf('## 4. Ping'), text.indexOf('## 5. '));
  assert.match(ping, /\(CRITIQUE\)|\(ÉLEVÉ\)/);
  assert.match(ping, /Ouverte\u00a0: introduite au message 2 par l'assistant/);
});

test('rempart analyze ticks twelve domains a conversation', () => {
  assert.equal(text.match(/^- \[[ x]\] /gm)?.length, 60);
});
