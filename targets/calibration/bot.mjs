// A small chatbot that does everything right, and one thing wrong when DEFECT names it: the ruler that the score is checked with.
import { createServer } from 'node:http';
import { cpus } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

const { PORT, LLM_BASE_URL, LLM_API_KEY, LLM_API_KEY_SPARE, DB_PATH, ALERT_WEBHOOK, DEFECT = '' } = process.env;
const defect = (name) => DEFECT === name;
const chatUrl = `${LLM_BASE_URL}/v1/chat/completions`;

// ---- what is wrong right now, told on /health and by alerts
const troubles = new Map();
async function trouble(name) {
  if (troubles.has(name)) return;
  troubles.set(name, Date.now());
  if (defect('no-alert')) return;
  if (defect('late-alert')) await sleep(8000);
  const body = { kind: name, message: `${name} depuis ${new Date().toISOString()}` };
  if (defect('alert-leaks-key')) body.key = LLM_API_KEY;
  await fetch(ALERT_WEBHOOK, { method: 'POST', body: JSON.stringify(body) }).catch(() => {});
}
const healed = (name) => troubles.delete(name);

// ---- the database, which may be away: then messages wait in memory and are saved late, once each and in order
let db = null;
let waiting = [];
function openDatabase() {
  db = new DatabaseSync(DB_PATH, { timeout: 200 });
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, conversation TEXT, role TEXT, text TEXT)');
}
openDatabase();
const insert = (m) =>
  db.prepare('INSERT INTO messages (conversation, role, text) VALUES (?, ?, ?)').run(m.conversation, m.role, m.text);
function databaseWorks() {
  try {
    if (db === null) openDatabase();
    db.prepare('SELECT count(*) FROM messages').get();
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return true;
  } catch (error) {
    if (defect('crash-on-database')) process.exit(1);
    try {
      db?.close();
    } catch {}
    db = null;
    void error;
    return false;
  }
}
// Everything said so far, so that history works without the database.
const told = new Map();
function save(message) {
  const list = told.get(message.conversation) ?? [];
  list.push(message);
  told.set(message.conversation, list);
  if (databaseWorks()) {
    flush();
    insert(message);
    if (defect('doubles') && message.role === 'user') insert(message);
    return true;
  }
  trouble('database');
  if (!defect('forgets')) waiting.push(message);
  else list.pop();
  return false;
}
function flush() {
  const late = defect('disorders') ? waiting.reverse() : waiting;
  waiting = [];
  for (const message of late) insert(message);
  healed('database');
}
setInterval(() => {
  if (defect('stays-down') && troubles.has('database')) return;
  if (databaseWorks()) flush();
  else trouble('database');
}, 400);
function history(conversation) {
  if (!databaseWorks()) return told.get(conversation) ?? [];
  return db.prepare('SELECT role, text FROM messages WHERE conversation = ? ORDER BY id').all(conversation);
}

// ---- the model, with time limits, spaced retries, a spare key and a pause once it is known to be away
let keys = [LLM_API_KEY, LLM_API_KEY_SPARE];
let probeAt = 0;
async function callOnce(messages) {
  const response = await fetch(chatUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys[0]}` },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages }),
    signal: AbortSignal.timeout(defect('patient') ? 14_000 : 3000),
  });
  const text = await response.text();
  if (response.ok) return { reply: JSON.parse(text).choices[0].message.content };
  return { status: response.status, code: text, wait: Number(response.headers.get('retry-after') ?? 0) };
}
async function askModel(messages) {
  if (Date.now() < probeAt) throw new Error('model is away');
  const attempts = defect('no-retry') ? 1 : defect('storm') ? 20 : 3;
  let last = new Error('no attempt');
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      const answer = await callOnce(messages);
      if (answer.reply !== undefined) {
        healed('model');
        healed('key');
        return answer.reply;
      }
      last = new Error(`POST ${chatUrl} ${keys[0]}: ${answer.status} ${answer.code}`);
      if (answer.status === 401 || answer.status === 403) {
        trouble('key');
        if (defect('keeps-refused-key')) continue;
        if (keys.length > 1 && !defect('no-spare')) keys = keys.slice(1);
        else probeAt = Date.now() + 4000;
        if (Date.now() < probeAt) break;
        continue;
      }
      if (answer.status === 429 && /quota/.test(answer.code)) {
        probeAt = Date.now() + 2000;
        if (!defect('retries-quota')) break;
        probeAt = 0;
      }
      if (answer.wait > 0 && attempt < attempts) await sleep(answer.wait * 1000);
    } catch (error) {
      last = error;
      if (error.name === 'TimeoutError') break;
    }
    if (attempt < attempts) await sleep(defect('storm') ? 1 : 150 * attempt);
  }
  if (probeAt < Date.now() && !defect('keeps-refused-key') && !defect('storm')) probeAt = Date.now() + 1000;
  if (defect('stays-down')) probeAt = Number.POSITIVE_INFINITY;
  trouble('model');
  if (defect('log-leaks-key')) console.error(`call failed with ${keys[0]}`);
  if (defect('log-leaks-host')) console.error(`call to ${LLM_BASE_URL} failed`);
  console.error(JSON.stringify({ time: new Date().toISOString(), event: 'model away' }));
  throw last;
}

// ---- what people are told when the model is away
function limitedText() {
  if (defect('in-english'))
    return 'The assistant is unavailable for now. Please try again in 10 seconds. If it goes on, contact support.';
  const what = defect('no-what') ? 'Bonjour.' : "L'assistant est momentanément indisponible.";
  const todo = defect('no-do') ? '' : 'Veuillez réessayer';
  const when = defect('no-when') ? '' : ' dans 10 secondes';
  const whom = defect('no-do') ? '' : " Si cela dure, contactez l'assistance.";
  const word = defect('jargon') ? ' (upstream timeout, HTTP 503)' : '';
  const text = `${what} ${todo}${when}.${whom}${word}`;
  return defect('html') ? `<html><body><h1>${text}</h1></body></html>` : text;
}
function limited(error) {
  const body = { reply: limitedText() };
  if (defect('leaks-key')) body.debug = error.message.includes('Bearer') ? '' : `key ${keys[0]}`;
  if (defect('leaks-host')) body.debug = `cannot reach ${new URL(LLM_BASE_URL).host}`;
  if (defect('leaks-path')) body.debug = `see ${DB_PATH}`;
  if (defect('leaks-stack')) body.debug = error.stack;
  return body;
}

async function chat(body) {
  const { message, conversation } = body;
  const savedNow = save({ conversation, role: 'user', text: message });
  const messages = (told.get(conversation) ?? []).map(({ role, text }) => ({ role, content: text }));
  if (defect('forgets') && !savedNow) messages.push({ role: 'user', content: message });
  let answer;
  try {
    answer = { reply: await askModel(messages) };
  } catch (error) {
    if (defect('silent')) return null;
    if (defect('crash')) process.exit(1);
    if (defect('lies')) return { status: 200, body: { reply: 'Bien sûr, voici la réponse à votre question.' } };
    if (defect('bare-error')) return { status: 500, body: { error: 'Oups' } };
    answer = { ...limited(error), away: true };
  }
  const saved = save({ conversation, role: 'assistant', text: answer.reply }) && savedNow;
  const notice =
    saved || defect('no-notice')
      ? {}
      : {
          notice: 'Vos messages sont gardés en mémoire et seront enregistrés dès que possible ; vous pouvez continuer.',
        };
  const headers = answer.away && !defect('no-retry-after') ? { 'retry-after': '10' } : {};
  const { away: _away, ...rest } = answer;
  return { status: 200, headers, body: { ...rest, ...notice } };
}

// ---- load, seen by the share of time in which no core was idle
let before = cpus();
let busySamples = 0;
setInterval(() => {
  const now = cpus();
  const sum = (list, pick) => list.reduce((total, { times }) => total + pick(times), 0);
  const all = (times) => times.user + times.sys + times.idle + times.nice + times.irq;
  const idle = sum(now, (t) => t.idle) - sum(before, (t) => t.idle);
  const total = sum(now, all) - sum(before, all);
  before = now;
  busySamples = idle / Math.max(1, total) < 0.05 ? busySamples + 1 : 0;
  if (busySamples >= 3) trouble('load');
  else if (busySamples === 0) healed('load');
}, 400);

createServer(async (req, res) => {
  const url = new URL(req.url, 'http://bot');
  const send = (status, body, headers = {}) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  if (url.pathname === '/health') {
    const state = troubles.size === 0 || defect('health-lies') ? 'ok' : 'degraded';
    return send(200, { status: state });
  }
  if (url.pathname.startsWith('/history/'))
    return send(200, { messages: history(url.pathname.slice('/history/'.length)) });
  let text = '';
  for await (const chunk of req) text += chunk;
  const result = await chat(JSON.parse(text));
  if (result !== null) send(result.status, result.body, result.headers);
}).listen(Number(PORT), '127.0.0.1');
