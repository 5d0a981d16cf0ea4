// The model: time limits, spaced retries, a spare key, and a pause once it is known to be away.
import { setTimeout as sleep } from 'node:timers/promises';
import { defect, shape } from './defect.mjs';
import { healed, trouble } from './troubles.mjs';

const { LLM_BASE_URL, LLM_API_KEY, LLM_API_KEY_SPARE, LLM_TIMEOUT_MS } = process.env;
const chatUrl = `${LLM_BASE_URL}/v1/chat/completions`;
const patienceMs = defect('patient') ? 14_000 : Math.min(Number(LLM_TIMEOUT_MS || 2500), 2500);
const allKeys = [LLM_API_KEY, LLM_API_KEY_SPARE].filter(Boolean);
let keys = allKeys;
let probeAt = 0;
let allRefused = 0;
let lastSaid = 'Service unavailable';

/** When connecting began to be refused; 0 while the provider can be reached. */
let cutSince = 0;
const rideMs = 6000;

export const currentKey = () => keys[0];

async function callOnce(messages, onPiece) {
  const stream = shape('stream') || defect('partial');
  const response = await fetch(chatUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys[0]}` },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages, stream }),
    signal: AbortSignal.timeout(patienceMs),
  });
  watchQuota(response.headers);
  if (stream && response.ok) return { reply: await piecesOf(response, onPiece) };
  const text = await response.text();
  if (response.ok) return { reply: JSON.parse(text).choices[0].message.content };
  return { status: response.status, text, waitMs: 1000 * Number(response.headers.get('retry-after') ?? 0) };
}

/** Most providers tell with every answer what is left: below a fifth somebody should know. */
function watchQuota(headers) {
  const [left, limit] = ['remaining', 'limit'].map((name) =>
    Number(headers.get(`x-ratelimit-${name}-requests`) ?? Number.NaN),
  );
  if (Number.isNaN(left / limit) || defect('no-foresight')) return;
  if (left <= 0.2 * limit) trouble('quota');
  else healed('quota');
}

/** A stream's pieces, handed on as they come; one that breaks off is no answer, unless that is the defect. */
async function piecesOf(response, onPiece) {
  const pieces = [];
  let rest = '';
  let ended = false;
  try {
    for await (const chunk of response.body) {
      const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n');
      rest = lines.pop();
      for (const line of lines.filter((one) => one.startsWith('data: '))) {
        const data = line.slice('data: '.length).trim();
        ended ||= data === '[DONE]';
        const piece = data === '[DONE]' ? '' : (JSON.parse(data).choices?.[0]?.delta?.content ?? '');
        if (piece === '') continue;
        pieces.push(piece);
        onPiece(piece);
      }
    }
  } catch {}
  if (!ended && !(defect('partial') && pieces.length > 0))
    throw Object.assign(new Error('the answer broke off'), { begun: pieces.length > 0 });
  return pieces.join('');
}

/** Throws when no answer can be had now; `said` holds the provider's own words. */
export async function askModel(messages, onPiece = () => {}) {
  if (Date.now() < probeAt) throw Object.assign(new Error('model is away'), { said: lastSaid });
  const attempts = defect('no-retry') ? 1 : defect('storm') ? 20 : 3;
  let last = new Error('no attempt');
  for (let attempt = 1; attempt <= attempts; attempt++) {
    let waitMs = 0;
    try {
      const answer = await callOnce(messages, onPiece);
      if (answer.reply !== undefined) {
        healed('model');
        // All keys refused at once was the provider's trouble. One refused alone stays out until somebody has replaced it.
        if (allRefused > 0) keys = allKeys;
        allRefused = 0;
        cutSince = 0;
        if (keys[0] === LLM_API_KEY) healed('key');
        return answer.reply;
      }
      lastSaid = answer.text;
      last = Object.assign(new Error(`POST ${chatUrl}: ${answer.status}`), { said: answer.text });
      waitMs = answer.waitMs;
      if (answer.status === 401 || answer.status === 403) {
        if (refused()) continue;
        break;
      }
      if (answer.status === 429 && /quota/.test(answer.text) && !defect('retries-quota')) {
        probeAt = Date.now() + 2000;
        break;
      }
    } catch (error) {
      last = error;
      if (await ridesOut(error)) {
        attempt--;
        continue;
      }
      // What was begun has been seen: a second attempt would begin anew in the middle of it.
      if (error.name === 'TimeoutError' || (error.begun && shape('stream'))) break;
    }
    if (attempt < attempts) await sleep(pauseMs(attempt, waitMs));
  }
  giveUp();
  throw last;
}

/** Nothing was sent, and the network may be back within seconds: waited for, and told meanwhile. */
async function ridesOut(error) {
  if (!/^E(CONNREFUSED|HOSTUNREACH|NETUNREACH)$/.test(error.cause?.code ?? '')) return false;
  if (defect('no-retry') || defect('storm') || defect('retries-at-once')) return false;
  cutSince ||= Date.now();
  const lasted = Date.now() - cutSince;
  if (lasted > 1000) trouble('model');
  if (lasted >= rideMs) return false;
  await sleep(400);
  return true;
}

function pauseMs(attempt, waitMs) {
  if (defect('storm') || defect('retries-at-once')) return 1;
  return Math.max(300 * attempt, defect('ignores-retry-after') ? 0 : waitMs);
}

/** Whether there is another key to try. */
function refused() {
  trouble('key');
  if (defect('keeps-refused-key')) return true;
  if (keys.length > 1 && !defect('no-spare')) {
    keys = keys.slice(1);
    return true;
  }
  // Asked again ever more rarely, so that a refused key is not used up against the door.
  probeAt = Date.now() + 4000 * 2 ** allRefused++;
  return false;
}

function giveUp() {
  if (probeAt < Date.now() && !defect('keeps-refused-key') && !defect('storm') && !defect('patient'))
    probeAt = Date.now() + (defect('slow-recovery') ? 14_000 : 1000);
  if (defect('stays-down')) probeAt = Number.POSITIVE_INFINITY;
  trouble('model');
  if (defect('log-leaks-key')) console.error(`call failed with ${keys[0]}`);
  if (defect('log-leaks-host')) console.error(`call to ${LLM_BASE_URL} failed`);
  console.error(JSON.stringify({ time: new Date().toISOString(), event: 'model away' }));
}
