// A request that the admin API refuses, in the words that Toxiproxy's clients know.
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const proxyNotFound = () => new Refusal(404, 'proxy not found');
export const toxicNotFound = () => new Refusal(404, 'toxic not found');
export const badBody = (what: string) => new Refusal(400, `bad request body: ${what}`);
export const missing = (field: string, at = '') => new Refusal(400, `missing required field: ${field}${at}`);
