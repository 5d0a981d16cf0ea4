// A chat request as a client of the sandbox's gateway sends one.
import type { Sandbox } from './drill.ts';

export interface Answered {
  status: number;
  text: string;
}

export async function askGateway(
  { gatewayUrl }: Pick<Sandbox, 'gatewayUrl'>,
  key: string,
  content: string,
): Promise<Answered> {
  const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'drill-model', messages: [{ role: 'user', content }] }),
    signal: AbortSignal.timeout(15_000),
  });
  return { status: response.status, text: await response.text() };
}

/** The status alone; 0 where no answer came. */
export async function statusOf(sandbox: Pick<Sandbox, 'gatewayUrl'>, key: string, content = 'Hello'): Promise<number> {
  try {
    return (await askGateway(sandbox, key, content)).status;
  } catch {
    return 0;
  }
}
