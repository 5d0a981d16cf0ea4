// The frames of a streamed answer (SSE events or NDJSON lines), byte for byte, and what each of them carries.

export type StreamFormat = 'sse' | 'ndjson';

export interface Frame {
  /** With the line ends that close it. */
  bytes: Buffer;
  format: StreamFormat;
  /** It carries text of the answer: what a reader would call a token. */
  hasText: boolean;
  /** It says that the answer is over: [DONE], message_stop, response.completed, done. */
  isTerminator: boolean;
}

export function streamFormat(contentType: unknown): StreamFormat | null {
  const type = String(contentType ?? '').toLowerCase();
  if (type.includes('event-stream')) return 'sse';
  return type.includes('ndjson') ? 'ndjson' : null;
}

/** Cuts bytes into frames; `rest` is what came after the last whole one. */
export function createFrameSplitter(format: StreamFormat): { push(chunk: Buffer): Frame[]; rest(): Buffer } {
  let held: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const frames: Frame[] = [];
      const searched = Math.max(0, held.length - 3);
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      let start = 0;
      let end = endOfFrame(held, searched, format);
      while (end !== -1) {
        frames.push(readFrame(held.subarray(start, end), format));
        start = end;
        end = endOfFrame(held, start, format);
      }
      held = held.subarray(start);
      return frames;
    },
    rest: () => held,
  };
}

const lf = 0x0a;
const cr = 0x0d;

/** Where the first frame that ends at or after `from` ends; -1 when none does. SSE knows three line ends. */
function endOfFrame(bytes: Buffer, from: number, format: StreamFormat): number {
  if (format === 'ndjson') return bytes.indexOf(lf, from) + 1 || -1;
  for (let at = from; at + 1 < bytes.length; at++) {
    const next = bytes[at + 1];
    if (bytes[at] === lf && next === lf) return at + 2;
    if (bytes[at] === lf && next === cr && bytes[at + 2] === lf) return at + 3;
    if (bytes[at] === cr && next === cr) return at + 2;
  }
  return -1;
}

export function readFrame(bytes: Buffer, format: StreamFormat): Frame {
  const { data, event } =
    format === 'sse' ? sseParts(bytes.toString('utf8')) : { data: bytes.toString('utf8'), event: '' };
  if (data.trim() === '[DONE]') return { bytes, format, hasText: false, isTerminator: true };
  const value = parse(data);
  const type = event || String(value['type'] ?? '');
  const isTerminator = value['done'] === true || type === 'message_stop' || type === 'response.completed';
  return { bytes, format, hasText: textOf(value) !== '', isTerminator };
}

function sseParts(text: string): { data: string; event: string } {
  let data = '';
  let event = '';
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line.startsWith('data:')) data += line.slice(5);
    else if (line.startsWith('event:')) event = line.slice(6).trim();
  }
  return { data, event };
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields {
  try {
    return fields(JSON.parse(text));
  } catch {
    return {};
  }
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The piece of text in any of the shapes: OpenAI and Mistral, completions, Ollama, Anthropic, OpenAI responses. */
function textOf(value: Fields): string {
  const choice = fields(Array.isArray(value['choices']) ? value['choices'][0] : undefined);
  const candidates = [
    fields(choice['delta'])['content'],
    choice['text'],
    fields(value['message'])['content'],
    value['response'],
    fields(value['delta'])['text'],
    value['delta'],
  ];
  return candidates.find((text): text is string => typeof text === 'string' && text !== '') ?? '';
}

/** The same body with its text taken away, for an answer that says nothing; null when it has none of the known shapes. */
export function withoutText(body: Buffer): Buffer | null {
  const value = parse(body.toString('utf8')) as Record<string, unknown>;
  const choice = fields(Array.isArray(value['choices']) ? value['choices'][0] : undefined) as Record<string, unknown>;
  const message = fields(choice['message'] ?? value['message']) as Record<string, unknown>;
  if (typeof message['content'] === 'string') message['content'] = '';
  else if (typeof choice['text'] === 'string') choice['text'] = '';
  else if (typeof value['response'] === 'string') value['response'] = '';
  else return null;
  return Buffer.from(JSON.stringify(value));
}
