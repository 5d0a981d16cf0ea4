// A small chatbot that does everything right, and one thing wrong when DEFECT names it: the ruler that the score is checked with.
import { createServer } from 'node:http';
import { defect } from './defect.mjs';
import { endTurn, takeTurn } from './load.mjs';
import { askModel } from './model.mjs';
import { history, reachable, said, save } from './store.mjs';
import { health, incidents } from './troubles.mjs';
import { footer, limited, limitedHeaders, notice } from './words.mjs';

/** null: left without an answer. */
async function chat({ message, conversation }, isAdmin) {
  const savedNow = save({ conversation, role: 'user', text: message });
  let answer;
  let away = false;
  await takeTurn(isAdmin);
  try {
    answer = { reply: await askModel(said(conversation)) };
  } catch (error) {
    if (defect('silent')) return null;
    if (defect('crash')) process.exit(1);
    if (defect('lies')) return { status: 200, body: { reply: 'Bien sûr, voici la réponse à votre problème.' } };
    if (defect('bare-error')) return { status: 500, body: { error: 'Oups' } };
    answer = limited(error);
    away = true;
  } finally {
    endTurn();
  }
  const saved = save({ conversation, role: 'assistant', text: answer.reply }) && savedNow;
  const told = saved || defect('no-notice') ? {} : notice;
  return { status: 200, headers: away ? limitedHeaders() : {}, body: { ...answer, ...told, ...footer } };
}

const pages = {
  '/health': () => health(),
  '/settings': () => (reachable() ? { language: 'fr', tone: 'simple' } : null),
  '/login': () => (reachable() ? { token: 'ok' } : null),
  '/incidents': () => (reachable() ? { incidents } : null),
};

createServer(async (req, res) => {
  const { pathname } = new URL(req.url, 'http://bot');
  const send = (status, body, headers = {}) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
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
  const result = await chat(JSON.parse(text), req.headers['x-role'] === 'admin');
  if (result !== null) send(result.status, result.body, result.headers);
}).listen(Number(process.env.PORT), '127.0.0.1');
