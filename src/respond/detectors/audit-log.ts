// Lines of the Linux audit log, put together to events: each event is several records with one id.
//
// Format: linux-audit, "Audit Event Fields"; `type=SYSCALL msg=audit(SECONDS.MS:ID): key=value …`, values that could
// hold blanks are quoted or written in hexadecimal digits.

export interface AuditEvent {
  id: string;
  /** Milliseconds since the epoch. */
  time: number;
  /** Types of its records, e.g. SYSCALL, PATH, EXECVE. */
  types: ReadonlySet<string>;
  /** Of the SYSCALL record; others only where it has none. */
  fields: Readonly<Record<string, string>>;
  /** Names of its PATH records. */
  paths: readonly string[];
  argv: readonly string[];
}

export interface AuditEvents {
  add(line: string, now: number): void;
  /** Hands out events that nothing was added to for a moment. */
  settle(now: number): void;
}

interface Open {
  event: {
    id: string;
    time: number;
    types: Set<string>;
    fields: Record<string, string>;
    paths: string[];
    argv: string[];
  };
  touchedAt: number;
}

const mostOpen = 500;
const mostParts = 64;
const settleMs = 200;

export function createAuditEvents(take: (event: AuditEvent) => void): AuditEvents {
  const open = new Map<string, Open>();
  const finish = (id: string) => {
    const done = open.get(id);
    open.delete(id);
    if (done !== undefined) take(done.event);
  };
  return {
    add(line, now) {
      const record = readAuditRecord(line);
      if (record === undefined) return;
      const { id, time, type, fields } = record;
      if (type === 'EOE') return finish(id);
      let one = open.get(id);
      if (one === undefined) {
        if (open.size >= mostOpen) finish(open.keys().next().value ?? '');
        one = { event: { id, time, types: new Set(), fields: {}, paths: [], argv: [] }, touchedAt: now };
        open.set(id, one);
      }
      one.touchedAt = now;
      join(one.event, type, fields);
    },
    settle(now) {
      for (const [id, { touchedAt }] of [...open]) if (now - touchedAt >= settleMs) finish(id);
    },
  };
}

function join(event: Open['event'], type: string, fields: Record<string, string>): void {
  event.types.add(type);
  if (type === 'PATH') {
    if (fields['name'] !== undefined && event.paths.length < mostParts) event.paths.push(fields['name']);
  } else if (type === 'EXECVE') {
    for (let index = 0; fields[`a${index}`] !== undefined && index < mostParts; index++)
      event.argv.push(fields[`a${index}`]!);
  } else if (type === 'SYSCALL') Object.assign(event.fields, fields);
  else for (const [name, value] of Object.entries(fields)) event.fields[name] ??= value;
}

/** Undefined for what is no audit record. */
export function readAuditRecord(
  line: string,
): { id: string; time: number; type: string; fields: Record<string, string> } | undefined {
  const at = line.indexOf('type=');
  if (at < 0 || at > 200) return undefined;
  const head = /^type=([A-Z_0-9]{2,40}) msg=audit\((\d{1,12})\.(\d{3}):(\d{1,20})\): ?/.exec(line.slice(at, at + 120));
  if (head === null) return undefined;
  const [whole, type = '', seconds, ms, id = ''] = head;
  const rest = line.slice(at + whole.length, at + whole.length + 8_192);
  const fields: Record<string, string> = {};
  // `msg='op=… res=success'` of user space has fields within; enrichment comes behind a group separator.
  for (const [, name = '', quoted, single, bare = ''] of rest
    .split('\x1d', 1)[0]!
    .matchAll(/([\w-]{1,40})=(?:"([^"]{0,4096})"|'([^']{0,4096})'|(\S{0,4096}))/g))
    fields[name] ??= quoted ?? single ?? decoded(name, bare);
  return { id, time: Number(seconds) * 1_000 + Number(ms), type, fields };
}

const encodable = /^(?:name|comm|exe|proctitle|cwd|key|path|a\d+)$/;

/** A name with blanks in it is written in hexadecimal digits; numbers of a SYSCALL's a0 to a3 are too, and stay as they are. */
function decoded(name: string, bare: string): string {
  if (!encodable.test(name) || bare.length < 6 || bare.length % 2 === 1 || !/^[\dA-F]+$/.test(bare)) return bare;
  const text = Buffer.from(bare, 'hex').toString('utf8');
  return /^[\x20-\x7e\u00a0-\uffff]+$/.test(text) ? text : bare;
}
