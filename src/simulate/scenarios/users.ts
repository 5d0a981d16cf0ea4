// Simulated users: each talks in its own conversation, one question after the other, every message with its marker.
import { identifier } from '../standin/random.ts';
import { readAnswer, type TargetClient } from '../targets/client.ts';
import { makeMarker } from '../targets/marker.ts';
import { fill, type Places, type Profile, placeholdersIn } from '../targets/profile.ts';
import { makeQuestion } from '../targets/questions.ts';
import type { EvidenceOf, Fact, Phase } from './evidence.ts';

type Asked = Omit<EvidenceOf<'ask'>, 'id'>;

export interface User {
  name: string;
  identity: string;
  conversation(): string;
  /** What proves who this user is; beside the profile's own headers. */
  headers: Record<string, string>;
  ask(phase: Phase, timeoutMs?: number): Promise<Asked>;
}

export interface UserParts {
  profile: Profile;
  places: Places;
  client: TargetClient;
  random: () => number;
  record: (fact: Fact) => void;
}

export function createUser(
  name: string,
  identity: string,
  { profile, places, client, random, record }: UserParts,
): User {
  const { ask } = profile;
  // Where the first reply names the conversation, the first message names none.
  let conversation = ask.conversation === undefined ? `conv-${identifier(random, 12).toLowerCase()}` : '';
  const headers = fill(profile.identities[identity]?.headers ?? {}, places);
  return {
    name,
    identity,
    headers,
    conversation: () => conversation,
    ask: async (phase, timeoutMs = 15_000) => {
      const marker = makeMarker(random);
      const question = makeQuestion(profile.language, marker, random);
      const request = conversation === '' ? withoutEmptyConversation(ask.request) : ask.request;
      const reply = await client.send(request, { ...places, question, conversation }, { timeoutMs, headers });
      const read = readAnswer(reply.body, ask);
      if (conversation === '' && read.conversation !== null) conversation = read.conversation;
      const fact: Asked = {
        kind: 'ask',
        t: reply.t,
        endT: reply.endT,
        phase,
        user: name,
        identity,
        conversation,
        marker,
        status: reply.status,
        headers: reply.headers,
        body: reply.body,
        answer: read.answer,
        ended: read.ended && reply.error === null,
        error: reply.error,
      };
      record(fact);
      return fact;
    },
  };
}

/** A member that would be an empty string is left out of the first message: it has no conversation yet. */
function withoutEmptyConversation(request: Profile['ask']['request']): Profile['ask']['request'] {
  const { body } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return request;
  const isConversation = (value: unknown) => typeof value === 'string' && placeholdersIn(value)[0] === 'conversation';
  return { ...request, body: Object.fromEntries(Object.entries(body).filter(([, value]) => !isConversation(value))) };
}
