// A worker whose heap really fills up: whether V8 lets it end what it has in hand is V8's affair, that another one takes its place is ours.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorkersRig, workerOf } from '../workers-rig.ts';

const rounds = Number(process.env['REMPART_TORTURE_ROUNDS'] ?? 10);

test('a worker whose heap is nearly full gives its place to another one, and who is cut off is cut off visibly', async () => {
  const rig = await startWorkersRig();
  let ended = 0;
  for (let round = 0; round < rounds; round++) {
    await rig.allServe();
    const stream = rig.ask('slowly', { stream: true });
    const full = workerOf(await stream.began);
    await rig.fail('fill', full);
    await rig.allServe();
    rig.pay();
    const { text, code } = await stream.end;
    if (code === undefined) {
      assert.match(text, /\[DONE\]/);
      ended++;
    } else assert.equal(code, 'ECONNRESET');
    const answers = await Promise.all(Array.from({ length: 20 }, () => rig.ask('hello').end));
    assert.ok(answers.every(({ status, headers }) => status === 200 && workerOf(headers) !== full));
  }
  assert.ok((await rig.lost('memory')) >= rounds);
  console.log(`${ended} of ${rounds} ended what they had in hand`);
  await rig.close();
});
