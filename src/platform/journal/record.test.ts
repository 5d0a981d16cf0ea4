import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '../base/json.ts';
import { genesis, readRecord, readSeal, sealRecord } from './record.ts';

/** An event that holds what looks like a seal. */
const event = canonicalJson({
  text: `é ,"hash":"${'a'.repeat(64)}","prev":"${genesis}","seq":9,"stream":"x","time":1}`,
  number: 1,
});

test('readSeal() reads of a line what readRecord() does', () => {
  const { line, hash } = sealRecord({ event, prev: genesis, seq: 7, stream: 'gateway', time: 1_760_000_000_000 });
  const whole = readRecord(Buffer.from(line));
  assert.equal(whole.kind, 'record');
  assert.deepEqual(readSeal(Buffer.from(line)), { hash, prev: genesis, seq: 7, stream: 'gateway' });
});

test('readSeal() takes no line in which any byte is another', () => {
  const { line } = sealRecord({ event, prev: genesis, seq: 7, stream: 'gateway', time: 1 });
  const bytes = Buffer.from(line);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = changed[at]! ^ 1;
    assert.equal(readSeal(changed), undefined, `byte ${at}: ${changed.toString('latin1', at, at + 10)}`);
  }
  assert.equal(readSeal(bytes.subarray(0, -1)), undefined);
  assert.equal(readSeal(Buffer.concat([bytes, Buffer.from(' ')])), undefined);
});
