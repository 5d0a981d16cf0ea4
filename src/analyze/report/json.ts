// The analysis document itself, written piece by piece: one conversation a line.
import type { ReportSource } from './source.ts';

export function* renderJson({ conversations, ...rest }: ReportSource): Generator<string> {
  const { schema, engine, date, lang, ...after } = rest;
  const open = written({ schema, engine, date, lang });
  yield `${open.slice(0, -1)},"conversations":[`;
  let first = true;
  for (const conversation of conversations) {
    yield `${first ? '\n' : ',\n'}${written(conversation)}`;
    first = false;
  }
  yield `${first ? '' : '\n'}],${written(after).slice(1)}\n`;
}

/** Controls of ISO 6429, ends of lines and marks that turn text round: they stand in JSON's strings only, and steer some terminals. */
const steering = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** The same data; JSON itself escapes no more than the first 32 characters. */
function written(value: unknown): string {
  return JSON.stringify(value).replace(steering, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
