// What Toxiproxy does not have, under /rempart/: faults on model calls, leases, the ledger, the seed, what is broken now.
import { z } from 'zod';
import { type CallFault, callFaultSchema } from './call-fault.ts';
import { longestLeaseMs } from './lease.ts';
import type { ActiveFault } from './model-calls.ts';
import type { Proxies } from './proxies.ts';
import { Refusal } from './refusal.ts';
import { json, noContent, type Reply } from './reply.ts';
import { statusOf } from './status.ts';
import type { Route } from './toxiproxy-api.ts';

export interface RempartParts {
  proxies: Proxies;
  seed: { get(): number; set(seed: number): void };
}

const ttl = z.number().int().min(1).max(longestLeaseMs).nullable();
const lease = z.strictObject({ ttlMs: ttl });
const protocol = z.strictObject({ protocol: z.enum(['tcp', 'http']) });
const seedBody = z.strictObject({ seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) });

export function rempartRoutes({ proxies, seed }: RempartParts): Route[] {
  const callsOf = (names: string[]) => proxies.get(names[0] ?? '').calls;
  const oneFault = (names: string[]) => callsOf(names).find(names[1] ?? '');
  const faults = '/rempart/proxies/:proxy/faults';
  return [
    { method: 'GET', path: '/rempart/status', handle: () => value(statusOf(proxies, seed.get())) },
    {
      method: 'PUT',
      path: '/rempart/seed',
      handle: ({ body }) => {
        seed.set(read(seedBody, body).seed);
        return noContent;
      },
    },
    {
      method: 'PUT',
      path: '/rempart/proxies/:proxy/protocol',
      handle: ({ names, body }) => {
        proxies.get(names[0] ?? '').speak(read(protocol, body).protocol);
        return noContent;
      },
    },
    { method: 'GET', path: faults, handle: ({ names }) => value(callsOf(names).list().map(shown)) },
    {
      method: 'POST',
      path: faults,
      handle: ({ names, body }) => {
        const proxy = proxies.get(names[0] ?? '');
        const fault = proxy.calls.add(read(callFaultSchema, body));
        proxy.speak('http');
        return value(shown(fault), 201);
      },
    },
    { method: 'GET', path: `${faults}/:fault`, handle: ({ names }) => value(shown(oneFault(names))) },
    {
      method: 'DELETE',
      path: `${faults}/:fault`,
      handle: ({ names }) => {
        callsOf(names).remove(names[1] ?? '');
        return noContent;
      },
    },
    {
      method: 'PUT',
      path: `${faults}/:fault/lease`,
      handle: ({ names, body }) => {
        const fault = oneFault(names);
        fault.lease.set(read(lease, body).ttlMs);
        return value(shown(fault));
      },
    },
    {
      method: 'PUT',
      path: '/rempart/proxies/:proxy/toxics/:toxic/lease',
      handle: ({ names, body }) => {
        const proxy = proxies.get(names[0] ?? '');
        proxies.leaseToxic(proxy, proxies.toxic(proxy, names[1] ?? ''), read(lease, body).ttlMs);
        return noContent;
      },
    },
    {
      method: 'PUT',
      path: '/rempart/proxies/:proxy/lease',
      handle: ({ names, body }) => {
        const proxy = proxies.get(names[0] ?? '');
        if (proxy.enabled()) throw new Refusal(409, 'proxy is enabled');
        proxy.downLease.set(read(lease, body).ttlMs);
        return noContent;
      },
    },
    { method: 'GET', path: '/rempart/proxies/:proxy/calls', handle: ({ names }) => value(callsOf(names).records()) },
  ];
}

function shown({ name, fault, lease: held, seen, hits }: ActiveFault): object {
  const until = held.until();
  const { ttlMs: _ttl, ...rest }: CallFault = fault;
  return { ...rest, name, seen, hits, until: until === null ? null : new Date(until).toISOString() };
}

function value(body: object, status = 200): Reply {
  return json(`${JSON.stringify(body)}\n`, status);
}

/** Throws a Refusal (400) that names the field. */
function read<T>(schema: z.ZodType<T>, body: string): T {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'the request body is not JSON');
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  throw new Refusal(400, `${where}${issue?.message ?? 'invalid'}`);
}
