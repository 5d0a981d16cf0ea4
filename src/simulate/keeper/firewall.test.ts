// The firewall blackhole, in a network of its own so that the machine's is not touched: dropped, put back, by the kernel's clock too.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const dir = mkdtempSync(join(tmpdir(), 'rempart-firewall-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const inside = (program: string, args: string[]) =>
  spawnSync('unshare', ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', program, ...args], {
    encoding: 'utf8',
    timeout: 30_000,
  });
/** Why the tool cannot be tried here; false when it can. */
const hindrance = (tool: string, args: string[]): string | false =>
  inside(tool, args).status === 0 ? false : `needs a network namespace and ${tool}: not to be had here`;

const at = (path: string) => JSON.stringify(join(import.meta.dirname, path));
const program = `
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeeper } from ${at('keeper.ts')};
import { dropPackets, restorePackets } from ${at('../faults/process/firewall.ts')};
import { openUndoLog, replayUndoLog } from ${at('../faults/process/undo-log.ts')};
const undoDir = ${JSON.stringify(join(dir, 'undo'))};
const undoLog = openUndoLog(undoDir);
const keeper = createKeeper({ now: () => performance.now(), undoLog, undoDir, record: () => undefined });
const prepared = await keeper.prepare({ dialect: 'openai', real: null, host: '127.0.0.1', port: 0, keys: { primary: 'a', spare: 'b' }, seed: 1, tokensPerSecond: 0 });
const port = Number(new URL(prepared.upstreamUrl).port);
const connecting = () => new Promise((resolve) => {
  const socket = connect(port, '127.0.0.1');
  const end = (what) => { clearTimeout(timer); socket.destroy(); resolve(what); };
  const timer = setTimeout(end, 500, 'waiting');
  socket.on('error', () => end('refused')).once('connect', () => end('open'));
});
const seen = [];
const injected = await keeper.inject({ fault: { type: 'blackhole-connect', firewall: true }, leaseMs: 20_000 });
seen.push(injected.proof, await connecting());
seen.push((await keeper.clear({})).proved, await connecting());
const rule = { kind: 'firewall', tool: process.argv[2], name: 'rempart_lease', host: '127.0.0.1', port, until: new Date(Date.now() + 1000).toISOString() };
seen.push(dropPackets(rule, 1000), await connecting());
await sleep(2500); // iptables counts whole seconds, the last one included
seen.push(await connecting(), restorePackets(rule), restorePackets(rule));
undoLog.write({ ...rule, name: 'rempart_left', until: new Date(Date.now() + 60_000).toISOString() }, new Date());
dropPackets({ ...rule, name: 'rempart_left', until: new Date(Date.now() + 60_000).toISOString() }, 60_000);
seen.push(await connecting());
const replayed = replayUndoLog(undoDir).map(({ ok }) => ok);
seen.push(replayed, await connecting());
await keeper.restoreAll();
console.log(JSON.stringify(seen));
`;

test('inject() blackhole-connect by the firewall: dropped, cleared, ended by the kernel at the lease, and replayed', {
  skip: hindrance('nft', ['list', 'tables']),
}, () => {
  const file = join(dir, 'nft.mjs');
  writeFileSync(file, program);
  const { stdout, stderr } = inside(process.execPath, [file, 'nft']);
  const seen = JSON.parse(stdout.trim() || '[]') as unknown[];
  assert.match(String(seen[0]), /^nft drops/, stderr);
  assert.deepEqual(seen.slice(1), [
    'waiting',
    true,
    'open',
    true,
    'waiting',
    'open',
    true,
    false,
    'waiting',
    [true],
    'open',
  ]);
});

test('dropPackets() with iptables: dropped, ended by the kernel at the lease, taken away', {
  skip: hindrance('iptables', ['-w', '2', '-S', 'INPUT']),
}, () => {
  const file = join(dir, 'iptables.mjs');
  writeFileSync(file, program);
  const { stdout, stderr } = inside(process.execPath, [file, 'iptables']);
  const seen = JSON.parse(stdout.trim() || '[]') as unknown[];
  assert.deepEqual(seen.slice(4), [true, 'waiting', 'open', true, false, 'waiting', [true], 'open'], stderr);
});
