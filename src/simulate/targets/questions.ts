// What simulated users ask: ordinary questions in the target's language, each with its marker.

const questions = {
  fr: [
    "Peux-tu m'expliquer ce qu'est un réseau de neurones ?",
    'Quelle est la différence entre une pile et une file ?',
    'Donne-moi une idée de plat végétarien pour ce soir.',
    'Comment bien préparer un entretien ?',
    'Résume-moi le principe de la photosynthèse.',
    'Comment calcule-t-on une moyenne pondérée ?',
  ],
  en: [
    'Can you explain what a neural network is?',
    'What is the difference between a stack and a queue?',
    'Give me an idea for a vegetarian dinner tonight.',
    'How do I prepare well for an interview?',
    'Summarise how photosynthesis works.',
    'How is a weighted average computed?',
  ],
} as const;

export function makeQuestion(language: 'fr' | 'en', marker: string, random: () => number): string {
  const list = questions[language];
  const text = list[Math.floor(random() * list.length)] ?? list[0];
  return language === 'fr' ? `${text} (ma référence : ${marker})` : `${text} (my reference: ${marker})`;
}
