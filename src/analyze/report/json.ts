// The analysis document itself, written piece by piece: one conversation a line.
import type { ReportSource } from './source.ts';

export function* renderJson({ conversations, ...rest }: ReportSource): Generator<string> {
  const { schema, engine, date, lang, ...after } = rest;
  const open = JSON.stringify({ schema, engine, date, lang });
  yield `${open.slice(0, -1)},"conversations":[`;
  let first = true;
  for (const conversation of conversations) {
    yield `${first ? '\n' : ',\n'}${JSON.stringify(conversation)}`;
    first = false;
  }
  yield `${first ? '' : '\n'}],${JSON.stringify(after).slice(1)}\n`;
}
