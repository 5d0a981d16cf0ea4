// The canned upstream of the gateway bench, a process of its own: fixed answers over bare sockets, so that it is never what is measured.
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What the words of a canned answer are; no two frames alike, so that a merged one is seen. */
const words = 'The tides follow the moon because its pull is stronger on the near side than on the far side .'.split(
  ' ',
);

const usage = { prompt_tokens: 60, completion_tokens: words.length, total_tokens: 60 + words.length };
const common = { id: 'chatcmpl-canned', created: 1_760_000_000, model: 'bench-model' };
const reply = Buffer.from(
  JSON.stringify({
    ...common,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: words.join(' ') }, finish_reason: 'stop' }],
    usage,
  }),
);
const whole = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${reply.length}\r\nconnection: keep-alive\r\n\r\n`,
  ),
  reply,
]);
const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

function frame(delta: object, finish: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return chunk(`data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', choices })}\n\n`);
}

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

const last = `${frame({}, 'stop')}${chunk('data: [DONE]\n\n')}0\r\n\r\n`;

/** The frames of one stream: `x-frames` of them, `x-every` milliseconds apart; read from the prompt, which any gateway passes on. */
function stream(socket: Socket, body: string): void {
  const frames = Number(/frames=(\d+)/.exec(body)?.[1] ?? 4);
  const everyMs = Number(/every=(\d+)/.exec(body)?.[1] ?? 0);
  let sent = 1;
  socket.write(streamHead + frame({ role: 'assistant', content: words[0] ?? '' }));
  const next = (): void => {
    if (socket.destroyed) return;
    if (sent >= frames) {
      socket.write(last);
      return;
    }
    socket.write(frame({ content: ` ${words[sent % words.length]}` }));
    sent++;
    setTimeout(next, everyMs);
  };
  setTimeout(next, everyMs);
}

const server = createServer({ noDelay: true }, (socket) => {
  let held = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    for (;;) {
      const end = held.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = held.toString('latin1', 0, end);
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      const size = end + 4 + length;
      if (held.length < size) return;
      const body = held.toString('utf8', end + 4, size);
      held = held.subarray(size);
      if (body.includes('"stream":true')) stream(socket, body);
      else socket.write(whole);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
// Its parent's end is its own.
process.stdin.resume().on('end', () => process.exit(0));
