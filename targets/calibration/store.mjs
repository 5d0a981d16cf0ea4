// The conversations: in a database that may be away; then messages wait in memory and are saved late, once each and in order.
import { DatabaseSync } from 'node:sqlite';
import { defect, shape } from './defect.mjs';
import { hasTrouble, healed, trouble } from './troubles.mjs';

const { DB_PATH } = process.env;
let db = null;
const waiting = [];
// Everything said so far, so that history works without the database.
const told = new Map();

function open() {
  db = new DatabaseSync(DB_PATH, { timeout: 200 });
  db.exec('PRAGMA journal_mode = WAL');
  db.exec('CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, conversation TEXT, role TEXT, text TEXT)');
}

const insert = (m) =>
  db.prepare('INSERT INTO messages (conversation, role, text) VALUES (?, ?, ?)').run(m.conversation, m.role, m.text);

/** Whether it came through; a database that fails is let go and opened anew. */
function attempt(work) {
  try {
    if (db === null) open();
    work();
    return true;
  } catch {
    if (defect('crash-on-database')) process.exit(1);
    try {
      db?.close();
    } catch {}
    db = null;
    return false;
  }
}

let beats = 0;
/** Written, not only read: a database that can be read may still refuse every message. */
const works = () =>
  attempt(() => {
    db.prepare('SELECT count(*) FROM messages').get();
    db.exec(`PRAGMA user_version = ${++beats}`);
  });

/** What waits goes in first, in order; what did not come through stays. */
function flush() {
  if (defect('disorders')) waiting.reverse();
  while (waiting.length > 0) {
    if (!attempt(() => insert(waiting[0]))) return false;
    waiting.shift();
  }
  healed('database');
  return true;
}

// A database that is away at the start is away as at any other time.
works();
setInterval(() => {
  if (defect('database-stays-down') && hasTrouble('database')) return;
  if (!works() || !flush()) trouble('database');
}, 400);

/** Whether the message is in the database already. */
export function save(message) {
  const list = told.get(message.conversation) ?? [];
  list.push(message);
  told.set(message.conversation, list);
  const mayTry = !(defect('database-stays-down') && hasTrouble('database'));
  if (mayTry && works() && flush() && attempt(() => insert(message))) {
    if (defect('doubles') && message.role === 'user') insert(message);
    return true;
  }
  trouble('database');
  if (!defect('forgets')) waiting.push(message);
  return false;
}

export function said(conversation) {
  return (told.get(conversation) ?? []).map(({ role, text }) => ({ role, content: text }));
}

/** null: it cannot be read now. */
export function history(conversation) {
  const messages = stored(conversation);
  if (messages === null || !shape('newest-first')) return messages;
  return [...messages].reverse().map(({ role, text }) => ({ author: { role }, parts: [text] }));
}

function stored(conversation) {
  if (!works()) return defect('history-needs-database') ? null : (told.get(conversation) ?? []);
  return db.prepare('SELECT role, text FROM messages WHERE conversation = ? ORDER BY id').all(conversation);
}

/** Settings, login and incident log live in memory; who wrote them to need the database loses them with it. */
export const reachable = () => !defect('functions-need-database') || works();
