// The answer is right and its content type is not, as when a proxy in between puts its own page's type on it.
import type { AnswerEdit } from './answer-edit.ts';

export function wrongContentType({ contentType }: { contentType: string }): AnswerEdit {
  let done = false;
  return {
    headers(headers) {
      done = true;
      return { ...headers, 'content-type': contentType };
    },
    frame: ({ bytes }) => [{ send: bytes }],
    body: (body) => [{ send: body }],
    touched: () => done,
  };
}
