import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openStore, type StoreLocation } from '../../platform/store/store.ts';
import { startPostgres, type TestPostgres } from '../../platform/store/test-postgres.ts';
import { ChannelAway } from './channels/channel.ts';
import { begin, contacts, exampleIncident, openRig, type Rig } from './escalation.fixture.ts';
import { usualOutbox } from './outbox.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-escalation-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const minute = 60_000;
const id = exampleIncident().id;

/** What was said to whom, in order. */
const said = ({ sent }: Rig) => sent.map(({ address, notice }) => `${notice.what} ${notice.escalation} ${address}`);

async function at(rig: Rig, minutes: number, ...nodes: ReturnType<Rig['node']>[]): Promise<void> {
  rig.clock.at = begin + minutes * minute;
  for (const node of nodes) await node.look();
}

function testEscalation(kind: 'sqlite' | 'postgres', place: () => Promise<StoreLocation>): void {
  test('escalation tells those of the level at once, again, and those above when nobody acknowledges', async () => {
    const rig = await openRig(await place());
    const node = rig.node();
    await rig.memory.open(exampleIncident());
    await at(rig, 0, node);
    assert.deepEqual(said(rig).sort(), ['alert warning ada@example.org', 'alert warning sec@example.org']);
    await at(rig, 14, node);
    assert.equal(rig.sent.length, 2);
    await at(rig, 15, node);
    assert.deepEqual(said(rig).slice(2).sort(), [
      'reminder warning ada@example.org',
      'reminder warning sec@example.org',
    ]);
    await at(rig, 30, node);
    const raised = ['ada', 'ciso', 'sec'].map((name) => `escalated critical ${name}@example.org`);
    assert.deepEqual(said(rig).slice(4).sort(), raised);
    await at(rig, 45, node);
    assert.equal((await rig.memory.incidents.find(id))?.escalation, 'emergency');
    assert.ok(said(rig).includes('escalated emergency boss@example.org'));
    const before = rig.sent.length;
    await at(rig, 50, node);
    await at(rig, 55, node);
    assert.deepEqual(
      said(rig)
        .slice(before)
        .filter((line) => line.includes('boss')),
      ['reminder emergency boss@example.org', 'reminder emergency boss@example.org'],
    );
    await node.close();
    await rig.end();
  });

  test('escalation stops when somebody acknowledges, and what still waits is not said any more', async () => {
    const rig = await openRig(await place());
    const node = rig.node();
    await rig.memory.open(exampleIncident());
    await at(rig, 0, node);
    rig.answer.with = () => Promise.reject(new ChannelAway('ECONNREFUSED'));
    await at(rig, 15, node);
    await rig.memory.incidents.acknowledge(id, 'sec');
    rig.answer.with = async () => ({ kind: 'taken' });
    await at(rig, 31, node);
    await at(rig, 119, node);
    assert.equal(rig.sent.filter(({ notice }) => notice.what !== 'alert' && notice.what !== 'overdue').length, 0);
    const states = (await node.messages(id)).filter(({ what }) => what === 'reminder').map(({ state }) => state);
    assert.deepEqual(states, ['withdrawn', 'withdrawn']);
    await node.close();
    await rig.end();
  });

  test('escalation survives a restart: a deadline that passed meanwhile is acted upon once, by one of two nodes', async () => {
    const rig = await openRig(await place());
    const first = rig.node();
    await rig.memory.open(exampleIncident());
    await at(rig, 0, first);
    await first.close();
    // Of its own, as another machine has it.
    const stores = await Promise.all(kind === 'postgres' ? [openStore(rig.place), openStore(rig.place)] : []);
    const nodes = [0, 1].map((index) => rig.node({ store: stores[index] ?? rig.store }));
    for (const node of nodes) await node.look();
    rig.clock.at = begin + 40 * minute;
    await Promise.all(nodes.map((node) => node.look()));
    await Promise.all(nodes.map((node) => node.look()));
    const escalated = said(rig).filter((line) => line.startsWith('escalated'));
    assert.deepEqual(escalated.sort(), [...new Set(escalated)].sort());
    assert.equal(escalated.length, 3);
    const timeline = (await rig.memory.incidents.find(id))?.timeline.filter(({ kind }) => kind === 'escalated');
    assert.equal(timeline?.length, 1);
    for (const node of nodes) await node.close();
    for (const store of stores) await store.close();
    await rig.end();
  });

  test('escalation to a level that nobody is there for tells those above, and says so', async () => {
    const rig = await openRig(await place());
    const node = rig.node({ deployment: { language: 'fr', contacts: contacts.slice(2) } });
    assert.deepEqual(
      node.gaps().levels.map(({ level, why }) => `${level} ${why}`),
      ['info nobody', 'warning nobody'],
    );
    await rig.memory.open(exampleIncident());
    await at(rig, 0, node);
    assert.deepEqual(
      rig.sent.map(({ address, notice }) => [address, notice.instead]),
      [['ciso@example.org', 'warning']],
    );
    const incident = await rig.memory.incidents.find(id);
    assert.ok(
      incident?.timeline.some(({ kind, facts }) => kind === 'nobody-reachable' && facts['instead'] === 'critical'),
    );
    await node.close();
    await rig.end();
  });

  test('escalation with nobody at all is journalled and in the timeline', async () => {
    const rig = await openRig(await place());
    const node = rig.node({ deployment: { language: 'en', contacts: [] } });
    await rig.memory.open(exampleIncident());
    await at(rig, 0, node);
    assert.equal(rig.sent.length, 0);
    assert.ok(JSON.stringify(rig.journalled).includes('"outcome":"nobody"'));
    await node.close();
    await rig.end();
  });

  test('escalation goes up when containment is late though somebody acknowledged', async () => {
    const rig = await openRig(await place());
    const node = rig.node();
    await rig.memory.open(exampleIncident());
    await at(rig, 0, node);
    await rig.memory.incidents.acknowledge(id, 'sec');
    await at(rig, 119, node);
    assert.equal((await rig.memory.incidents.find(id))?.escalation, 'warning');
    await at(rig, 120, node);
    assert.ok(said(rig).includes('overdue critical ciso@example.org'));
    await rig.memory.incidents.mark(id, 'containedAt', 'sec');
    const before = rig.sent.length;
    await at(rig, 300, node);
    assert.equal(rig.sent.length, before);
    await node.close();
    await rig.end();
  });

  test('escalation tells of a phase that has not begun in time, and goes up once for all that is late', async () => {
    const rig = await openRig(await place());
    const title = { en: 'Container escape', fr: 'Évasion de conteneur' };
    const taxonomy = { find: () => ({ title, phases: { actions: 5, investigation: 30 } }), all: [] };
    const node = rig.node({ taxonomy });
    await rig.memory.open(exampleIncident({ escalation: 'critical', firstActionAt: new Date(begin).toISOString() }));
    for (const minutes of [0, 5, 15, 30, 31]) await at(rig, minutes, node);
    const overdue = rig.sent.filter(({ notice }) => notice.what === 'overdue');
    assert.deepEqual(
      new Set(overdue.map(({ notice }) => notice.details[0])),
      new Set([`investigation: ${new Date(begin + 30 * minute).toISOString()}`]),
    );
    assert.equal((await rig.memory.incidents.find(id))?.escalation, 'emergency');
    const raised = (await rig.memory.incidents.find(id))?.timeline.filter(({ kind }) => kind === 'escalated');
    assert.equal(raised?.length, 1);
    await node.follow(await rig.memory.incidents.mark(id, 'investigationAt', 'sec'));
    const open = (await node.deadlines(id)).filter(({ state }) => state === 'open').map(({ kind }) => kind);
    assert.ok(!open.includes('phase-investigation'));
    await node.close();
    await rig.end();
  });

  test('escalation tells of what a playbook asks people, once, also over a restart', async () => {
    const rig = await openRig(await place());
    const first = rig.node();
    await rig.memory.open(exampleIncident());
    await at(rig, 0, first);
    const facts = { run: 'run_1', step: 'Restore the state' };
    await rig.memory.incidents.note(id, { kind: 'step-asked', by: 'states.restore', facts });
    await rig.memory.incidents.acknowledge(id, 'sec');
    await at(rig, 1, first);
    await first.close();
    const second = rig.node();
    await at(rig, 2, second);
    const asked = rig.sent.filter(({ notice }) => notice.what === 'decision');
    assert.deepEqual(asked.map(({ address, notice }) => `${address} ${notice.details[0]}`).sort(), [
      'ada@example.org Restore the state (states.restore)',
      'sec@example.org Restore the state (states.restore)',
    ]);
    await second.close();
    await rig.end();
  });

  test('a post-mortem is due 48 h after an incident was resolved, is reminded of, and ends when it was held', async () => {
    const rig = await openRig(await place());
    const node = rig.node();
    await rig.memory.open(exampleIncident());
    await at(rig, 0, node);
    await rig.memory.incidents.resolve(id, 'sec');
    await at(rig, 1, node);
    const due = (await node.deadlines(id)).find(({ kind }) => kind === 'post-mortem');
    assert.equal(due?.dueAt, begin + 48 * 60 * minute);
    assert.equal((await node.deadlines(id)).filter(({ state }) => state === 'open').length, 2);
    await at(rig, 24 * 60, node);
    assert.ok(said(rig).includes('post-mortem warning sec@example.org'));
    await node.postMortemHeld(id, 'sec');
    const before = rig.sent.length;
    await at(rig, 96 * 60, node);
    assert.equal(rig.sent.length, before);
    await assert.rejects(node.postMortemHeld(id, 'sec'), { code: 'ERR_POSTMORTEM_NONE' });
    await node.close();
    await rig.end();
  });

  test('a false positive owes no post-mortem', async () => {
    const rig = await openRig(await place());
    const node = rig.node();
    await rig.memory.open(exampleIncident());
    await at(rig, 0, node);
    await rig.memory.incidents.close(id, 'false-positive', 'sec');
    await at(rig, 1, node);
    assert.deepEqual(
      (await node.deadlines(id)).filter(({ state }) => state === 'open'),
      [],
    );
    await node.close();
    await rig.end();
  });

  test('the outbox tries again ever more slowly, keeps the order, and says when it gives up', async () => {
    const rig = await openRig(await place());
    const node = rig.node({}, { ...usualOutbox, giveUpMs: 60_000 });
    const tried: number[] = [];
    rig.answer.with = async () => {
      tried.push((rig.clock.at - begin) / 1_000);
      throw new ChannelAway('smtp-421');
    };
    const incident = exampleIncident();
    await rig.memory.open(incident);
    for (let second = 0; second < 70; second += 1) {
      rig.clock.at = begin + second * 1_000;
      await node.look();
    }
    const times = [...new Set(tried)];
    assert.deepEqual(times, [0, 2, 6, 14, 30, 62]);
    assert.deepEqual(
      (await node.messages(id)).map(({ state, code }) => `${state} ${code}`),
      ['failed smtp-421', 'failed smtp-421'],
    );
    const timeline = (await rig.memory.incidents.find(id))?.timeline.map(({ kind }) => kind);
    assert.equal(timeline?.filter((kind) => kind === 'not-notified').length, 2);
    assert.ok(!JSON.stringify([rig.journalled, timeline]).includes('@example.org'));
    await node.close();
    await rig.end();
  });
}

describe('sqlite', () => {
  let count = 0;
  testEscalation('sqlite', async () => ({ path: join(dir, `store-${count++}.sqlite`) }));
});

describe('postgres', () => {
  let server: TestPostgres;
  let count = 0;
  before(async () => {
    server = await startPostgres('escalation');
  });
  after(() => server?.stop());
  testEscalation('postgres', async () => ({ url: await server.create(`escalation_${count++}`) }));
});
