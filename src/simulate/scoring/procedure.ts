// A written procedure for a compromised key, checked for its five steps by the words that each needs, in French or in English.

export const procedureSteps = ['stop', 'notify', 'revoke', 'new-key', 'redeploy'] as const;
export type ProcedureStep = (typeof procedureSteps)[number];

const call = '(?:call|appel|request|requête|use of the key|trafic|traffic)';
const words: Record<ProcedureStep, RegExp> = {
  stop: new RegExp(
    `(?:stop|suspend|halt|block|disable|arrêt|cess|coup|suspend|désactiv|bloqu)[^\\n.]{0,80}${call}|${call}[^\\n.]{0,80}(?:stop|suspend|arrêt)`,
    'i',
  ),
  notify:
    /(?:notif|inform|tell|alert|warn|prévenir|prévenez|avert|alerte)[^\n.]{0,80}(?:security|sécurité|team|équipe|ciso|rssi|responsable|owner)/i,
  revoke: /revo[kc]|révo[qc]/i,
  'new-key':
    /(?:new|generate|create|fresh|rotat|nouvelle|génér|créer|créez|renouvel)[^\n.]{0,60}(?:key|clé|secret)|(?:key|clé)[^\n.]{0,40}(?:rotat|renouvel|regenerat|régénér)/i,
  redeploy: /re-?deploy|redéplo|roll ?out|restart|start again|relanc|redémarr|remise en service/i,
};

/** The steps that the text does not have. Words prove no quality: they prove that somebody wrote the step down. */
export function missingSteps(text: string): ProcedureStep[] {
  return procedureSteps.filter((step) => !words[step].test(text));
}
