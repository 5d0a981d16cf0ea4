// The same figures once more under names without a prefix, for dashboards and alerts that were written for those names.

const aliases: Readonly<Record<string, string>> = {
  rempart_failed_auth_attempts_total: 'failed_auth_attempts_total',
  rempart_suspicious_prompts_total: 'suspicious_prompts_total',
  rempart_model_load_attempts_total: 'model_load_attempts_total',
  rempart_host_access_violations_total: 'host_access_violations_total',
  rempart_rate_limit_exceeded_total: 'rate_limit_exceeded_total',
  rempart_cross_network_requests_total: 'cross_network_requests_total',
};

/** Prometheus' text with each metric that has a bare name repeated under it, at the end: labels and values are the same. */
export function withBareNames(text: string): string {
  const repeated = text.split('\n').flatMap((line) => {
    const [, comment = '', name = '', rest = ''] = /^(# (?:HELP|TYPE) )?([a-z_]\w*)(.*)$/i.exec(line) ?? [];
    return Object.hasOwn(aliases, name) ? [`${comment}${aliases[name]}${rest}`] : [];
  });
  return repeated.length === 0 ? text : `${text.trimEnd()}\n\n${repeated.join('\n')}\n`;
}
