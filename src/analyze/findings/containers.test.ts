import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyseConversation } from '../analyse-conversation.ts';
import { talk } from '../talk.fixture.ts';

const service = (name: string, privileged: boolean) =>
  `  ${name}:\n    image: ${name}:1.2.3\n${privileged ? '    privileged: true\n' : ''}`;
const compose = (...services: string[]) => `\`\`\`yaml\nservices:\n${services.join('')}\`\`\``;

function privilegedIn(...answers: string[]) {
  const turns = answers.flatMap((answer) => [['user', 'Go on'] as const, ['assistant', answer] as const]);
  return analyseConversation(talk(turns), { lang: 'en' }, 1).findings.filter(({ rule }) =>
    rule.endsWith('compose.privileged'),
  );
}

test('findInContainers() tells of every service that is written privileged, and of what is left out once', () => {
  const { findings } = analyseConversation(
    talk([['assistant', compose(service('db', true), service('cache', true))]]),
    { lang: 'en' },
    1,
  );
  const titles = findings.filter(({ rule }) => rule.endsWith('compose.privileged')).map(({ title }) => title);
  assert.match(titles.join('\n'), /^Service "db".*\nService "cache"/);
  assert.equal(findings.filter(({ rule }) => rule.endsWith('compose.memory-limit')).length, 1);
});

test('findInContainers() leaves the second service open when only the first is mended', () => {
  const states = privilegedIn(
    compose(service('db', true), service('cache', true)),
    compose(service('db', false), service('cache', true)),
  ).map(({ title, state }) => `${/"(\w+)"/.exec(title)?.[1]} ${state}`);
  assert.deepEqual(states, ['db fixed', 'cache introduced']);
});
