// What a text tells of the inside of a system: hosts and addresses of private networks, home folders, stack traces.

export type InternalKind = 'host' | 'address' | 'path' | 'stack-trace';

export interface InternalHit {
  kind: InternalKind;
  start: number;
  end: number;
}

const patterns: readonly (readonly [InternalKind, RegExp])[] = [
  [
    'host',
    /(?<![\w.-])(?:[a-z0-9-]{1,63}\.){1,5}(?:internal|local|lan|corp|intra|intranet|priv|localdomain|home\.arpa)(?::\d{2,5})?(?![\w-]|\.\w)/gi,
  ],
  [
    'address',
    /(?<![\w.-])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?::\d{2,5})?(?![\w-]|\.\d)/g,
  ],
  // Of their own network only (RFC 4193) or of their link (RFC 4291).
  ['address', /(?<![\w:.])f(?:[cd][0-9a-f]{2}|e[89ab][0-9a-f]):(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}(?![\w:])/gi],
  [
    'path',
    /(?:(?<=file:\/\/)|(?<![\w./-]))(?:\/(?:home|Users)\/[\w.-]{1,64}|\/root|\/srv|\/opt|\/var\/(?:www|lib|log)|\/usr\/src\/app)(?:\/[\w.@-]{1,100}){1,12}/g,
  ],
  ['path', /(?<![\w])[A-Za-z]:\\{1,2}(?:Users|inetpub|ProgramData)(?:\\{1,2}[\w.@-]{1,100}){1,12}/g],
  ['path', /(?<![\w\\])\\\\[A-Za-z][\w-]{1,62}(?:\\[\w.$@-]{1,100}){1,12}/g],
  ['stack-trace', /^[ \t]{0,12}at (?:async )?[\w.$<>[\] ]{0,150}\(?[^\s()]{1,300}:\d{1,6}(?::\d{1,6})?\)?/gm],
  ['stack-trace', /^[ \t]{0,12}at [\w.$<>/]{3,200}\((?:[\w.$-]{1,100}:\d{1,6}|Native Method|Unknown Source)\)/gm],
  ['stack-trace', /^[ \t]{0,12}File "[^"\n]{1,300}", line \d{1,6}, in [^\s]{1,100}/gm],
  [
    'stack-trace',
    /^[ \t]{0,12}at (?:[\w$<>`]{1,40}\.){1,8}[\w$<>`]{1,40}\([^()\n]{0,80}\)(?: in [^\n]{1,90}:line \d{1,6})?/gm,
  ],
  ['stack-trace', /(?<![\w./@-])[\w./@-]{1,200}\.rb:\d{1,6}:in(?!\w)/g],
  ['stack-trace', /^(?:Caused by: |Exception in thread "[^"\n]{1,60}" )[\w.$]{3,200}/gm],
  ['stack-trace', /^Traceback \(most recent call last\):/gm],
  [
    'stack-trace',
    /^(?:goroutine \d{1,7} \[[a-z ]{3,30}\]:|thread '[^'\n]{1,60}' panicked at [^\s]{1,300}|#\d{1,3} {1,2}\/[^\s]{1,300}\(\d{1,6}\): [^\s]{1,200})/gm,
  ],
];

/** Cheap words without which no pattern can match. */
const hints: Readonly<Record<InternalKind, RegExp>> = {
  host: /\.(?:internal|local|lan|corp|intra|priv|home\.arpa)/i,
  address: /\d\.\d|f[cde][0-9a-f]{2}:/i,
  path: /\/(?:home|Users|root|srv|opt|var|usr)\/|:\\|\\\\\w/,
  'stack-trace': /at |File "|Traceback|goroutine|panicked|#\d|\.rb:|Caused by|Exception in/,
};

/** In the order of the text, without overlap; `from` leaves out what begins before it. */
export function findInternal(text: string, from = 0): InternalHit[] {
  const hits: InternalHit[] = [];
  for (const [kind, pattern] of patterns) {
    if (!hints[kind].test(text)) continue;
    pattern.lastIndex = from;
    for (let found = pattern.exec(text); found !== null; found = pattern.exec(text))
      hits.push({ kind, start: found.index, end: found.index + found[0].length });
  }
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  const kept: InternalHit[] = [];
  for (const hit of hits) if (hit.start >= (kept.at(-1)?.end ?? 0)) kept.push(hit);
  return kept;
}

/** How the lines begin that the patterns above look for; those in front may be indented. */
const indented = ['at ', 'File "'];
const flush = ['Traceback (most recent call last):', 'goroutine ', "thread '", 'Caused by: ', 'Exception in thread "'];

/** Whether a line that has begun like this may still become a line of a stack trace. */
export function mayBecomeTrace(line: string): boolean {
  if (line.length > 600) return false;
  const begins = (text: string) => (mark: string) => text.startsWith(mark) || mark.startsWith(text);
  if (flush.some(begins(line))) return true;
  if (line.startsWith('#')) return /^#\d{0,3}(?:$| {1,2}(?:$|\/))/.test(line);
  const text = line.trimStart();
  return line.length - text.length <= 12 && indented.some(begins(text));
}
