// The simulator before a real MySQL server: the relay in its client's words, and a target that stores there through two failures.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { simulationSchema } from '../src/platform/documents/simulation.ts';
import { startDatabaseRelay, tooManyOfMysql } from '../src/simulate/keeper/database-relay.ts';
import { makePlace, run } from './instance.ts';
import { type MysqlServer, mysqlClient, noMysql, startMysql } from './mysql-server.ts';

const bot = `
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
const { PORT, LLM_BASE_URL, LLM_API_KEY, DB_URL, CLIENT } = process.env;
const { hostname, port, pathname } = new URL(DB_URL);
const sql = async (text) => (await promisify(execFile)(CLIENT, ['--no-defaults', '-h', hostname, '-P', port, '-u', 'root', '-N', '-e', text, pathname.slice(1)])).stdout;
let waiting = [];
let known = [];
const save = async () => {
  while (waiting.length > 0) {
    const [{ role, text }] = waiting;
    await sql(\`INSERT INTO m (role, text) VALUES ('\${role}', '\${text.replaceAll(/[^\\w ]/g, ' ')}')\`);
    waiting.shift();
  }
};
await sql('CREATE TABLE IF NOT EXISTS m (id INT PRIMARY KEY AUTO_INCREMENT, role TEXT, text TEXT)');
setInterval(() => save().catch(() => {}), 500);
createServer(async (req, res) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  if (req.url === '/ready') return res.end('ok');
  const { message } = JSON.parse(text);
  waiting.push({ role: 'user', text: message });
  const saved = await save().then(() => true, () => false);
  const answer = await fetch(LLM_BASE_URL + '/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer ' + LLM_API_KEY },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: message }] }),
  });
  const reply = (await answer.json()).choices[0].message.content;
  res.end(JSON.stringify({ reply, ...(saved ? {} : { notice: 'Your conversations cannot be saved at the moment; please try again in a minute.' }) }));
}).listen(Number(PORT), '127.0.0.1');
`;

const profile = `
name: on-mysql
start:
  command: [node, bot.mjs]
  env: { PORT: "\${port}", LLM_BASE_URL: "\${upstream.url}", LLM_API_KEY: "\${upstream.key}", DB_URL: "\${database.url}", CLIENT: "${mysqlClient}" }
  ready: { url: "http://127.0.0.1:\${port}/ready", within: 120s }
ask:
  request: { method: POST, url: "http://127.0.0.1:\${port}/chat", body: { message: "\${question}" } }
  answer: /reply
database: { kind: mysql }
`;

suite('a real MySQL server', { skip: noMysql }, () => {
  let server: MysqlServer;
  const place = makePlace();
  before(async () => {
    server = await startMysql();
  });
  after(async () => {
    await server.stop();
    place.remove();
  });

  test('startDatabaseRelay() is passed, exhausted, stopped and passed again, in the words of MySQL’s own client', async () => {
    const behind = { host: '127.0.0.1', port: server.port };
    const relay = await startDatabaseRelay({ host: '127.0.0.1', server: behind, kind: 'mysql' });
    try {
      assert.equal(await server.ask(relay.port, 'SELECT 40 + 2'), '42');
      relay.exhaust();
      await assert.rejects(server.ask(relay.port, 'SELECT 1'), /1040.*Too many connections/);
      await relay.stop();
      await assert.rejects(server.ask(relay.port, 'SELECT 1'), /ERROR 2002|ERROR 2003/);
      await relay.pass();
      assert.equal(await server.ask(relay.port, 'SELECT 40 + 2'), '42');
      const open = server.ask(relay.port, 'SELECT SLEEP(20)');
      await new Promise((resolve) => setTimeout(resolve, 300));
      await Promise.all([assert.rejects(open, /ERROR 2013|ERROR 2006/), relay.stop()]);
    } finally {
      await relay.close();
    }
  });

  test('tooManyOfMysql() is what the server itself says when it is full', async () => {
    await server.ask(server.port, 'SET GLOBAL max_connections = 10');
    const crowd = Array.from({ length: 14 }, () => connect({ host: '127.0.0.1', port: server.port }));
    const first = (socket: Socket) => new Promise<Buffer>((resolve) => socket.once('data', resolve));
    try {
      const greetings = await Promise.all(crowd.map(first));
      const refusals = greetings.filter((bytes) => bytes[4] === 0xff);
      assert.ok(refusals.length >= 1);
      assert.deepEqual(refusals[0], tooManyOfMysql());
    } finally {
      for (const socket of crowd) socket.destroy();
      for (let tries = 0; tries < 600; tries++) {
        const told = await server.ask(server.port, 'SET GLOBAL max_connections = 151').catch(() => null);
        if (told !== null) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  });

  test('simulate database-down on MySQL: stopped and connections-exhausted are proved and scored', async () => {
    await server.ask(server.port, 'CREATE DATABASE disposable');
    writeFileSync(join(place.dir, 'bot.mjs'), bot);
    writeFileSync(join(place.dir, 'mysql.yaml'), profile);
    const env = { TMPDIR: place.dir, DATABASE_URL: `mysql://root@127.0.0.1:${server.port}/disposable` };
    const { stdout, stderr } = await run(['simulate', 'database-down', '--target', 'mysql.yaml', '--json'], {
      cwd: place.dir,
      env,
    });
    const [scenario] = simulationSchema.parse(JSON.parse(stdout)).scenarios.filter(({ id }) => id === 'database-down');
    const outcome = (id: string) => scenario?.methods.find((method) => method.id === id)?.outcome;
    assert.equal(outcome('stopped'), 'scored', stderr + stdout);
    assert.equal(outcome('connections-exhausted'), 'scored', stdout);
    const stored = Number(await server.ask(server.port, 'SELECT COUNT(*) FROM disposable.m'));
    assert.ok(stored >= 8, `${stored} messages are stored`);
  });
});
