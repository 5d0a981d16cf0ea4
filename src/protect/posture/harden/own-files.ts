// What Rempart's own services read in its own deployment: image, configuration, proxy, metrics.
import { stringify } from 'yaml';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import { prometheusRules } from '../../alert-rules/prometheus-rules.ts';
import type { OutFile } from './harden.ts';

export function ownFiles(deployment: Deployment): Record<string, OutFile> {
  return {
    Dockerfile: { text: dockerfile },
    'Dockerfile.dockerignore': { text: '**/node_modules\n.git\n.rempart\n**/secrets\n**/.env\n' },
    'rempart.yaml': { text: configuration(deployment, false) },
    'rempart.secure.yaml': { text: configuration(deployment, true) },
    Caddyfile: { text: caddyfile },
    'prometheus.yml': { text: prometheus },
    'prometheus/rempart.rules.yml': { text: prometheusRules() },
  };
}

const dockerfile = `# Rempart's image: dependencies in one stage, nothing but what runs in the last. Build through compose, from the project's folder.
ARG NODE_SHA256
FROM node:24.21.0-bookworm-slim@sha256:\${NODE_SHA256} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24.21.0-bookworm-slim@sha256:\${NODE_SHA256}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
COPY locales ./locales
COPY rules ./rules
COPY scenarios ./scenarios
COPY targets ./targets
COPY web ./web
RUN mkdir -p /var/lib/rempart && chown 10001:10001 /var/lib/rempart
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s CMD ["node", "-e", "fetch('http://127.0.0.1:8081/healthz').then((r) => { process.exitCode = r.ok ? 0 : 1; }, () => { process.exitCode = 1; })"]
ENTRYPOINT ["node", "bin/rempart.js"]
CMD ["up"]
`;

function configuration({ models, services }: Deployment, secure: boolean): string {
  const model = services.find(({ role, run }) => role === 'model' && run !== undefined);
  const port = models[0]?.port ?? 11434;
  // A closed port: nobody is asked, and the chatbot gives its honest fallback answers.
  const url = secure || model === undefined ? 'http://127.0.0.1:9' : `http://${model.name}:${port}`;
  const document = {
    gateway: { host: '0.0.0.0', port: 8080 },
    console: { host: '0.0.0.0', port: 8081 },
    store: { url: 'file:/run/secrets/store_url' },
    providers: [{ name: secure ? 'none' : 'local', dialect: 'ollama', url }],
  };
  return [
    `# ${secure ? 'Secure mode: no model is asked.' : 'The gateway asks the model of the private zone.'} Inside the container every address is one of its zones; TLS ends at the proxy.`,
    stringify(document),
  ].join('\n');
}

const caddyfile = `# TLS ends here; one way in, to the gateway, and no administration.
{
	admin off
	auto_https disable_redirects
}
:8443 {
	tls /run/secrets/tls_certificate /run/secrets/tls_key
	header Strict-Transport-Security "max-age=31536000"
	header -Server
	request_body {
		max_size 1MB
	}
	reverse_proxy gateway:8080
}
:8082 {
	bind 127.0.0.1
	respond / 200
}
`;

const prometheus = `# The gateway's metrics, over the management zone.
global:
  scrape_interval: 15s
rule_files:
  - /etc/prometheus/rempart.rules.yml
scrape_configs:
  - job_name: rempart
    static_configs:
      - targets: ['gateway:8081']
`;
