// What the tests of requests that can wait share: an instance with webhooks, a chatbot and limits, whose provider finds its quota again.
import { after, beforeEach } from 'node:test';
import { startDeferredRig } from './deferred-rig.ts';
import { until } from './instance.ts';

const settings = [
  'deferred: {webhooks: {secret: "env:HOOK", allowedHosts: ["127.0.0.1"]}, mostPerUser: 6}',
  'chatbot: {model: m, contact: "Camille, poste 12"}',
  'limits: {rules: [{every: day, requests: 500}]}',
].join('\n');

export const rig = await startDeferredRig({}, settings);
after(rig.close);
beforeEach(() => {
  rig.says = 'hello';
});

/** There is quota again, and somebody has found out, after so many questions. */
export async function heal(): Promise<number> {
  rig.mood = 'answers';
  let questions = 0;
  await until(async () => {
    questions++;
    // Each another one, or an earlier answer would do.
    return (await rig.ask(`is anybody there? ${Math.random()}`, {})).status === 200;
  });
  return questions;
}

export const metrics = async () => (await fetch(`${rig.instance.consoleUrl}/metrics`)).text();
