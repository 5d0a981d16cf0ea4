// A small chatbot that does everything right, and one thing wrong when DEFECT names it: the ruler that the score is checked with.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { defect, shape } from './defect.mjs';
import { endTurn, takeTurn } from './load.mjs';
import { askModel } from './model.mjs';
import { history, reachable, said, save } from './store.mjs';
import { health, incidents } from './troubles.mjs';
import { brokenOff, footer, limited, limitedHeaders, notice } from './words.mjs';

/** null: left without an answer. */
async function chat({ message, conversation }, isAdmin, onPiece) {
  const savedNow = save({ conversation, role: 'user', text: message });
  let answer;
  let away = false;
  let begun = false;
  await takeTurn(isAdmin);
  try {
    answer = { reply: await askModel(said(conversation), onPiece) };
  } catch (error) {
    if (defect('silent')) return null;
    if (defect('crash')) process.exit(1);
    if (defect('lies')) return { status: 200, body: { reply: 'Bien sûr, voici la réponse à votre problème.' } };
    if (defect('bare-error')) return { status: 500, body: { error: 'Oups' } };
    begun = error.begun && shape('stream');
    answer = begun ? brokenOff() : limited(error);
    away = true;
    if (defect('makes-users-wait')) await sleep(11_000);
  } finally {
    endTurn();
  }
  const saved = save({ conversation, role: 'assistant', text: answer.reply ?? '' }) && savedNow;
  const told = saved || defect('no-notice') ? {} : notice;
  const status = answer.error === undefined || begun || defect('error-as-success') ? 200 : 503;
  return { status, headers: away ? limitedHeaders() : {}, body: { ...answer, ...told, ...footer } };
}

const pages = {
  '/health': () => health(),
  '/settings': () => (reachable() ? { language: 'fr', tone: 'simple' } : null),
  '/login': () => (reachable() ? { token: 'ok' } : null),
  '/incidents': () => (reachable() ? { incidents } : null),
};

/** Pieces as they come; what stands beside the answer goes into a last frame of its own. */
async function answerStream(res, ask, isAdmin) {
  const frame = (value) => res.write(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
  const begin = (headers = {}) =>
    res.headersSent || res.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  let pieces = 0;
  const onPiece = (content) => {
    begin();
    pieces++;
    frame({ choices: [{ delta: { content } }] });
  };
  const result = await chat(ask, isAdmin, onPiece);
  if (result === null) return;
  if (result.status !== 200) {
    res.writeHead(result.status, { 'content-type': 'application/json', ...result.headers });
    return res.end(JSON.stringify(result.body));
  }
  const { reply, ...beside } = result.body;
  begin(result.headers);
  if (pieces === 0 && reply !== undefined) frame({ choices: [{ delta: { content: reply } }] });
  if (Object.keys(beside).length > 0) frame(beside);
  frame('[DONE]');
  res.end();
}

createServer(async (req, res) => {
  const { pathname } = new URL(req.url, 'http://bot');
  const send = (status, body, headers = {}) => {
    const isText = typeof body === 'string';
    res.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
    res.end(isText ? body : JSON.stringify(body));
  };
  const page = pages[pathname]?.() ?? null;
  if (page !== null) return send(200, page);
  if (pathname in pages) return send(503, { error: 'Momentanément indisponible.' });
  if (pathname.startsWith('/history/')) {
    const messages = history(pathname.slice('/history/'.length));
    return messages === null ? send(503, { error: 'Momentanément indisponible.' }) : send(200, { messages });
  }
  let text = '';
  for await (const chunk of req) text += chunk;
  const isAdmin = req.headers['x-role'] === 'admin';
  if (shape('stream')) return answerStream(res, JSON.parse(text), isAdmin);
  const result = await chat(JSON.parse(text), isAdmin);
  if (result !== null) send(result.status, result.body, result.headers);
}).listen(Number(process.env.PORT), '127.0.0.1');
