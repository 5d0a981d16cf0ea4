// A disk that fills up or fails: nothing half-written stays, and writing resumes when it can.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cutTornTail, type Disk, openAppendFile, realDisk } from './append-file.ts';
import { openChain } from './chain.ts';
import { verifyJournal } from './verify.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-append-'));
after(() => rmSync(root, { recursive: true }));

/** Takes `room` more bytes, then answers ENOSPC in the middle of a write; `sync` and `truncate` fail when told to. */
function failingDisk(): Disk & { room: number; failSync: boolean; failTruncate: boolean } {
  const fail = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };
  const disk = {
    room: Number.POSITIVE_INFINITY,
    failSync: false,
    failTruncate: false,
    write: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
      if (disk.room <= 0) return fail('ENOSPC');
      const written = realDisk.write(fd, bytes, offset, Math.min(length, disk.room), position);
      disk.room -= written;
      return written;
    },
    sync: (fd: number): void => (disk.failSync ? fail('EIO') : realDisk.sync(fd)),
    truncate: (fd: number, size: number): void => (disk.failTruncate ? fail('EIO') : realDisk.truncate(fd, size)),
  };
  return disk;
}

test('append() to a full disk leaves the file as it was and works once there is room', () => {
  const disk = failingDisk();
  const path = join(root, 'full');
  const file = openAppendFile(path, disk);
  file.append(Buffer.from('one\n'));
  disk.room = 2;
  assert.throws(() => file.append(Buffer.from('two\n')), { code: 'ENOSPC' });
  assert.equal(readFileSync(path, 'utf8'), 'one\n');
  disk.room = 100;
  file.append(Buffer.from('three\n'));
  assert.equal(readFileSync(path, 'utf8'), 'one\nthree\n');
  file.close();
});

test('append() cuts a half-written tail later when it could not at once', () => {
  const disk = failingDisk();
  const path = join(root, 'half');
  const file = openAppendFile(path, disk);
  file.append(Buffer.from('one\n'));
  disk.room = 2;
  disk.failTruncate = true;
  assert.throws(() => file.append(Buffer.from('two\n')), { code: 'ENOSPC' });
  assert.equal(readFileSync(path, 'utf8'), 'one\ntw');
  disk.room = 100;
  assert.throws(() => file.append(Buffer.from('three\n')), { code: 'EIO' });
  disk.failTruncate = false;
  file.append(Buffer.from('4\n'));
  assert.equal(readFileSync(path, 'utf8'), 'one\n4\n');
  file.close();
});

test('openChain() neither moves its head nor breaks its chain when a sync fails', async () => {
  const disk = failingDisk();
  const dir = join(root, 'chain');
  const chain = openChain({ dir, stream: 's', segmentBytes: 1_000, disk, now: 1 });
  chain.append([{ event: '{}', time: 1 }]);
  const { head } = chain;
  disk.failSync = true;
  assert.throws(() => chain.append([{ event: '{"lost":true}', time: 2 }]), { code: 'EIO' });
  assert.deepEqual(chain.head, head);
  disk.failSync = false;
  assert.deepEqual(
    chain
      .append([
        { event: '{}', time: 3 },
        { event: '{}', time: 4 },
      ])
      .at(-1),
    chain.head,
  );
  chain.close();
  const [stream] = (await verifyJournal({ dir })).streams;
  assert.deepEqual([stream?.records, stream?.problem], [3, null]);
});

test('cutTornTail() cuts what is not whole, over more than one chunk, and keeps it aside', () => {
  const path = join(root, 'torn');
  const file = openAppendFile(path, realDisk);
  const tail = `bad\n\n${'x'.repeat(200_000)}\n${'\0'.repeat(70_000)}`;
  file.append(Buffer.from(`ok 1\nok 2\n${tail}`));
  file.close();
  const { torn, last } = cutTornTail(path, 7, (line) => line.toString().startsWith('ok'));
  assert.deepEqual([torn, last?.toString()], [{ aside: 'torn-torn-7', bytes: tail.length }, 'ok 2']);
  assert.equal(readFileSync(path, 'utf8'), 'ok 1\nok 2\n');
  assert.equal(readFileSync(join(root, 'torn-torn-7'), 'utf8'), tail);
  assert.deepEqual(cutTornTail(path, 8, () => true).torn, null);
  assert.deepEqual(
    cutTornTail(path, 9, () => false),
    { torn: { aside: 'torn-torn-9', bytes: 10 }, last: null },
  );
});
