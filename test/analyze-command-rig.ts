// What the tests of `rempart analyze` share: two exports in a folder, one with weaknesses and a secret, and the command without a process.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after } from 'node:test';
import type { CommandInput } from '../src/commands/command.ts';
import { sayer } from '../src/platform/i18n/say.ts';
import { makePlace } from './instance.ts';

const place = makePlace();
after(place.remove);
export const cwd = place.dir;
export const date = ['--date', '2025-10-26T21:52:37+01:00'];

interface Turn {
  role: 'user' | 'assistant';
  text: string;
}

/** A ChatGPT export of straight threads. */
function chatgpt(conversations: readonly { title: string | null; id?: string; turns: readonly Turn[] }[]): string {
  return JSON.stringify(
    conversations.map(({ title, id, turns }, index) => ({
      title,
      create_time: 1,
      update_time: 2,
      conversation_id: id ?? `conversation-${index}`,
      current_node: `n${turns.length}`,
      mapping: Object.fromEntries([
        ['n0', { id: 'n0', message: null, parent: null, children: ['n1'] }],
        ...turns.map(({ role, text }, at) => [
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
              metadata: role === 'assistant' ? { model_slug: 'gpt-4o' } : {},
            },
          },
        ]),
      ]),
    })),
  );
}

const vulnerable = [
  'Here it is:',
  '```python',
  'import sqlite3',
  'from flask import Flask, request',
  'app = Flask(__name__)',
  '@app.route("/user")',
  'def user():',
  '    name = request.args["name"]',
  '    db = sqlite3.connect("app.db")',
  '    return str(db.execute("SELECT * FROM users WHERE name = \'" + name + "\'").fetchall())',
  '```',
].join('\n');
// Put together here, so that no scanner of this repository takes it for one.
export const secret = ['ghp', '_', 'a8Kd03LmQz7RtYw52XcVbN19HjFgS6PeUi4o'].join('');

writeFileSync(
  join(cwd, 'chats.json'),
  chatgpt([
    {
      title: 'Flask user page',
      turns: [
        { role: 'user', text: 'A user page in Flask' },
        { role: 'assistant', text: vulnerable },
      ],
    },
    {
      title: null,
      turns: [
        { role: 'user', text: `My token is ${secret} for GitHub` },
        { role: 'assistant', text: 'Revoke it.' },
      ],
    },
    {
      title: `About ${secret}`,
      id: `${secret}-1`,
      turns: [
        { role: 'user', text: 'What is 2 + 2?' },
        { role: 'assistant', text: '4' },
      ],
    },
  ]),
);
writeFileSync(
  join(cwd, 'calm.json'),
  chatgpt([
    {
      title: 'Soup',
      turns: [
        { role: 'user', text: 'A soup?' },
        { role: 'assistant', text: 'Leeks.' },
      ],
    },
  ]),
);

/** The command without a process: for what is decided before anything is read. */
export function inputOf(args: string[], options: CommandInput['options'] = {}): CommandInput {
  const nowhere = new PassThrough();
  return {
    args,
    options,
    lang: 'en',
    say: sayer('en'),
    json: false,
    data: join(cwd, '.rempart'),
    configFile: join(cwd, 'none.yaml'),
    configAsked: false,
    stdout: nowhere,
    stderr: nowhere,
    signal: new AbortController().signal,
    env: {},
  };
}
