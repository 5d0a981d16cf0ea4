// The model: time limits, spaced retries, a spare key, and a pause once it is known to be away.
import { setTimeout as sleep } from 'node:timers/promises';
import { defect } from './defect.mjs';
import { healed, trouble } from './troubles.mjs';

const { LLM_BASE_URL, LLM_API_KEY, LLM_API_KEY_SPARE, LLM_TIMEOUT_MS } = process.env;
const chatUrl = `${LLM_BASE_URL}/v1/chat/completions`;
const patienceMs = defect('patient') ? 14_000 : Math.min(Number(LLM_TIMEOUT_MS || 2500), 2500);
let keys = [LLM_API_KEY, LLM_API_KEY_SPARE].filter(Boolean);
let probeAt = 0;

export const currentKey = () => keys[0];

async function callOnce(messages) {
  const stream = defect('partial');
  const response = await fetch(chatUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys[0]}` },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages, stream }),
    signal: AbortSignal.timeout(patienceMs),
  });
  if (stream && response.ok) return { reply: await piecesOf(response) };
  const text = await response.text();
  if (response.ok) return { reply: JSON.parse(text).choices[0].message.content };
  return { status: response.status, text, waitMs: 1000 * Number(response.headers.get('retry-after') ?? 0) };
}

/** A stream read as far as it came, as if that were all. */
async function piecesOf(response) {
  let text = '';
  try {
    for await (const chunk of response.body) text += Buffer.from(chunk).toString('utf8');
  } catch {}
  const pieces = [...text.matchAll(/"content":\s*("(?:[^"\\]|\\.)*")/g)].map((match) => JSON.parse(match[1]));
  if (pieces.length === 0) throw new Error('no answer');
  return pieces.join('');
}

/** Throws when no answer can be had now; `said` holds the provider's own words. */
export async function askModel(messages) {
  if (Date.now() < probeAt) throw new Error('model is away');
  const attempts = defect('no-retry') ? 1 : defect('storm') ? 20 : 3;
  let last = new Error('no attempt');
  for (let attempt = 1; attempt <= attempts; attempt++) {
    let waitMs = 0;
    try {
      const answer = await callOnce(messages);
      if (answer.reply !== undefined) {
        healed('model');
        // A refused key stays refused: the trouble lasts until somebody has put a good one in its place.
        if (keys[0] === LLM_API_KEY) healed('key');
        return answer.reply;
      }
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
      if (error.name === 'TimeoutError') break;
    }
    if (attempt < attempts) await sleep(pauseMs(attempt, waitMs));
  }
  giveUp();
  throw last;
}

function pauseMs(attempt, waitMs) {
  if (defect('storm') || defect('retries-at-once')) return 1;
  return Math.max(150 * attempt, defect('ignores-retry-after') ? 0 : waitMs);
}

/** Whether there is another key to try. */
function refused() {
  trouble('key');
  if (defect('keeps-refused-key')) return true;
  if (keys.length > 1 && !defect('no-spare')) {
    keys = keys.slice(1);
    return true;
  }
  probeAt = Date.now() + 4000;
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
