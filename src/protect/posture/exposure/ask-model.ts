// One harmless question to a port: does a model API answer there, does it ask who is calling, does it take any browser.
import { request } from 'undici';

export type ModelAnswer =
  | { kind: 'model'; what: string; open: boolean; anyOrigin: boolean }
  | { kind: 'http' }
  | { kind: 'silent' };

/** Reads only; each is an API's own list or greeting. */
const questions: readonly { path: string; what: string; knows: (body: unknown, text: string) => boolean }[] = [
  { path: '/api/tags', what: 'Ollama', knows: (body) => Array.isArray((body as { models?: unknown } | null)?.models) },
  {
    path: '/v1/models',
    what: 'OpenAI-style API',
    knows: (body) => Array.isArray((body as { data?: unknown } | null)?.data),
  },
  { path: '/', what: 'Ollama', knows: (_, text) => text.startsWith('Ollama is running') },
  {
    path: '/config',
    what: 'Gradio',
    knows: (body) => Array.isArray((body as { components?: unknown } | null)?.components),
  },
];
const strangeOrigin = 'http://origin.invalid';
const maxBytes = 200_000;

export async function askModel(host: string, port: number, timeoutMs: number): Promise<ModelAnswer> {
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  let spoke = false;
  let guarded: string | undefined;
  for (const { path, what, knows } of questions) {
    const answer = await get(`${origin}${path}`, timeoutMs);
    if (answer === undefined) {
      if (!spoke) return { kind: 'silent' };
      continue;
    }
    spoke = true;
    if (answer.status === 401 || answer.status === 403) {
      if (path === '/v1/models' || path === '/api/tags') guarded ??= what;
    } else if (answer.status === 200 && knows(answer.body, answer.text))
      return { kind: 'model', what, open: true, anyOrigin: answer.anyOrigin };
  }
  return guarded === undefined ? { kind: 'http' } : { kind: 'model', what: guarded, open: false, anyOrigin: false };
}

async function get(url: string, timeoutMs: number) {
  try {
    const { statusCode, headers, body } = await request(url, {
      headers: { origin: strangeOrigin, 'user-agent': 'rempart-posture' },
      signal: AbortSignal.timeout(timeoutMs),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    let text = '';
    for await (const chunk of body) {
      text += String(chunk);
      if (text.length > maxBytes) break;
    }
    const allowed = headers['access-control-allow-origin'];
    return { status: statusCode, text, body: parsed(text), anyOrigin: allowed === '*' || allowed === strangeOrigin };
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
