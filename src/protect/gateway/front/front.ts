// What every request meets before anything else reads it: its form, the name it asks for, the page it comes from, and the look for attacks round the prompt.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { RempartError } from '../../../platform/base/errors.ts';
import type { ServerManners } from '../../../platform/base/limited-server.ts';
import type { Lang } from '../../../platform/i18n/say.ts';
import { inspectBodyWith } from '../read.ts';
import { createSourceTeller, networks, sourceAddress, sourceNetwork } from '../source-network.ts';
import { createWaf, type WafMatch } from '../waf/waf.ts';
import type { WafRules } from '../waf/waf-rules.ts';
import type { FrontSettings } from './front-config.ts';
import { createHostCheck, hostName } from './hosts.ts';
import { malformed } from './message-form.ts';
import { createOriginCheck } from './origins.ts';
import { rawRefusal, refuse, securityHeaders } from './refusals.ts';
import { requestIdOf } from './request-id.ts';

export type FrontRefusal =
  | 'malformed'
  | 'headers'
  | 'timeout'
  | 'connections'
  | 'method'
  | 'host'
  | 'blocked'
  | 'origin'
  | 'waf';

export interface FrontParts {
  rules: WafRules;
  /** Journals, counts and signals what was found. */
  found: (req: IncomingMessage, matches: readonly WafMatch[]) => void;
  refused: (reason: FrontRefusal) => void;
  /** Whether nothing is heard from that address at the moment. */
  isBlocked?: (address: string) => boolean;
}

export interface Front {
  /** False once it has answered by itself. */
  admit(req: IncomingMessage, res: ServerResponse): boolean;
  manners: ServerManners;
  /** New settings, from the next request on. */
  replace(settings: FrontOptions): void;
}

export type FrontOptions = Omit<FrontSettings, 'server'> & {
  server: Pick<FrontSettings['server'], 'headers'>;
  lang: Lang;
  /** The address that is listened on. */
  host: string;
};

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
const headerEntries = Object.entries(securityHeaders);

export function createFront(parts: FrontParts, first: FrontOptions): Front {
  const { refused } = parts;
  let now = prepare(parts.rules, first);
  /** Connections that end with the refusal that is on its way: what follows on them is not even looked at. */
  const ending = new WeakSet<Socket>();

  function no(req: IncomingMessage, res: ServerResponse, reason: FrontRefusal, error: RempartError): false {
    refused(reason);
    ending.add(req.socket);
    refuse(req, res, error, { lang: now.lang, requestId: requestIdOf(req), ...(reason === 'method' ? allow : {}) });
    return false;
  }

  /** Throws ERR_WAF_BLOCKED. */
  function judge(req: IncomingMessage, matches: readonly WafMatch[]): void {
    if (matches.length === 0) return;
    parts.found(req, matches);
    const worst = matches.find(({ action }) => action === 'block');
    if (worst === undefined) return;
    refused('waf');
    throw new RempartError('ERR_WAF_BLOCKED', { what: { key: `access.waf.${worst.category}` } });
  }

  return {
    admit(req, res) {
      if (ending.has(req.socket)) return false;
      const { lang, maxHeaders, tellSource, isOurHost, originOf, waf } = now;
      for (const [name, value] of headerEntries) res.setHeader(name, value);
      const wrong = malformed(req, maxHeaders);
      if (wrong === 'headers') return no(req, res, 'headers', new RempartError('ERR_HEADERS_TOO_LARGE'));
      if (wrong !== undefined) return no(req, res, 'malformed', new RempartError('ERR_REQUEST_MALFORMED'));
      const { method = '' } = req;
      if (!methods.has(method))
        return no(req, res, 'method', new RempartError('ERR_METHOD_NOT_ALLOWED', { method: method.slice(0, 20) }));
      if (!isOurHost(req.headers.host, req.socket.localAddress))
        return no(req, res, 'host', new RempartError('ERR_HOST_REFUSED'));
      const form = originForm(req);
      if (form !== undefined) return no(req, res, form.reason, form.error);
      tellSource(req);
      if (parts.isBlocked?.(sourceAddress(req)) === true)
        return no(req, res, 'blocked', new RempartError('ERR_SOURCE_BLOCKED'));
      const origin = originOf(req);
      if (origin.kind === 'refused') return no(req, res, 'origin', new RempartError('ERR_ORIGIN_REFUSED'));
      if (origin.kind !== 'none')
        for (const [name, value] of Object.entries(origin.headers)) res.setHeader(name, value);
      try {
        judge(req, waf.head(req));
      } catch (error) {
        ending.add(req.socket);
        refuse(req, res, error as RempartError, { lang, requestId: requestIdOf(req) });
        return false;
      }
      if (origin.kind === 'preflight') {
        res.writeHead(204).end();
        return false;
      }
      inspectBodyWith(req, (body) => judge(req, waf.body(body)));
      return true;
    },
    manners: {
      // A proxy in front opens the connections of all its users.
      sourceOf: (address) => (now.isProxy(address.replace(/^::ffff:/, '')) ? undefined : sourceNetwork(address)),
      refusal: (error, target) => rawRefusal(error, target, now.lang),
      onRefused: refused,
    },
    replace(settings) {
      now = prepare(parts.rules, settings);
    },
  };
}

const allow = { headers: { allow: [...methods].join(', ') } };

function prepare(rules: WafRules, { hosts, host, origins, waf, server, lang, ...proxies }: FrontOptions) {
  return {
    lang,
    maxHeaders: server.headers,
    isOurHost: createHostCheck([host, ...hosts]),
    originOf: createOriginCheck(origins),
    tellSource: createSourceTeller(proxies),
    isProxy: networks(proxies.trustedProxies),
    waf: createWaf(rules, waf),
  };
}

/**
 * An absolute address (RFC 9112 §3.2.2) is made an ordinary one when it names the same host as Host does; anything else
 * would mean one thing to us and another to whoever routes by it.
 */
function originForm(req: IncomingMessage): { reason: FrontRefusal; error: RempartError } | undefined {
  const url = req.url ?? '/';
  if (url.startsWith('/')) return undefined;
  const absolute = /^https?:\/\//i.test(url) ? URL.parse(url) : null;
  if (absolute === null) return { reason: 'malformed', error: new RempartError('ERR_REQUEST_MALFORMED') };
  if (absolute.username !== '' || hostName(absolute.host) !== hostName(req.headers.host))
    return { reason: 'host', error: new RempartError('ERR_HOST_REFUSED') };
  req.url = url.replace(/^https?:\/\/[^/?]*/i, '') || '/';
  if (!req.url.startsWith('/')) req.url = `/${req.url}`;
  return undefined;
}
