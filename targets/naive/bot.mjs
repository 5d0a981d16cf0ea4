// A small, honest, badly written chatbot: what many first versions look like. No retry, no time limit, errors shown as they come
// and under status 200, a health page that always says ok, a spare key and an alert address that nobody got round to using,
// everything in one database. Kept bad on purpose, for contrast; do not learn from it.
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';

const { PORT, LLM_BASE_URL, LLM_API_KEY, DB_PATH } = process.env;
const db = new DatabaseSync(DB_PATH);
db.exec('CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, conversation TEXT, role TEXT, text TEXT)');

function save(conversation, role, text) {
  db.prepare('INSERT INTO messages (conversation, role, text) VALUES (?, ?, ?)').run(conversation, role, text);
}

function history(conversation) {
  return db.prepare('SELECT role, text FROM messages WHERE conversation = ? ORDER BY id').all(conversation);
}

async function askModel(conversation) {
  const url = `${LLM_BASE_URL}/v1/chat/completions`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${LLM_API_KEY}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      messages: history(conversation).map(({ role, text }) => ({ role, content: text })),
    }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`POST ${url} with key ${LLM_API_KEY} failed: ${response.status} ${body}`);
  return JSON.parse(body).choices[0].message.content;
}

createServer(async (req, res) => {
  const url = new URL(req.url, 'http://bot');
  if (url.pathname === '/health') return res.end(JSON.stringify({ status: 'ok' }));
  if (url.pathname.startsWith('/history/')) {
    return res.end(JSON.stringify({ messages: history(url.pathname.slice('/history/'.length)) }));
  }
  let text = '';
  for await (const chunk of req) text += chunk;
  const { message, conversation } = JSON.parse(text);
  // Outside the try: a database that is away ends the process, as an unhandled rejection.
  save(conversation, 'user', message);
  try {
    const reply = await askModel(conversation);
    save(conversation, 'assistant', reply);
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ reply }));
  } catch (error) {
    console.error(error);
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ error: error.message, stack: error.stack }));
  }
}).listen(Number(PORT), '127.0.0.1');
