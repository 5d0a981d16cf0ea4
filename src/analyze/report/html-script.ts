// The report page's only script: it hides what the reader filters out. It reads attributes, never what a conversation said as code.
export const script = `(() => {
  const form = document.getElementById('filter');
  if (form === null) return;
  const fold = (text) => text.normalize('NFD').replace(/\\p{M}/gu, '').toLowerCase();
  const findings = [...document.querySelectorAll('article.finding')].map((at) => ({ at, text: null }));
  const conversations = [...document.querySelectorAll('details.conversation')];
  const shown = document.getElementById('shown');
  const nothing = document.getElementById('nothing');
  const value = (name) => form.elements.namedItem(name).value;
  const apply = () => {
    const words = fold(value('text')).split(/\\s+/).filter(Boolean);
    const severities = new Set([...form.querySelectorAll('[name=severity]:checked')].map((box) => box.value));
    const state = value('state');
    const only = value('conversation');
    const all = words.length === 0 && state === '' && severities.size === form.querySelectorAll('[name=severity]').length;
    let count = 0;
    for (const finding of findings) {
      const { severity, state: own, conversation } = finding.at.dataset;
      finding.text ??= fold(finding.at.textContent);
      const fits = severities.has(severity) && (state === '' || state === own) && (only === '' || only === conversation)
        && words.every((word) => finding.text.includes(word));
      finding.at.hidden = !fits;
      if (fits) count += 1;
    }
    let left = 0;
    for (const at of conversations) {
      const fits = (only === '' || only === at.id) && (all || at.querySelector('article.finding:not([hidden])') !== null);
      at.hidden = !fits;
      if (fits) left += 1;
      if (fits && !(all && only === '')) at.open = true;
    }
    shown.textContent = shown.dataset.pattern.replace('{shown}', count).replace('{total}', findings.length);
    nothing.hidden = left > 0;
  };
  const reveal = () => {
    const at = location.hash === '' ? null : document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const around = at === null ? null : at.closest('details.conversation');
    if (around === null) return;
    around.open = true;
    if (around.hidden || at.hidden) { form.reset(); apply(); }
    at.scrollIntoView();
  };
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', apply);
  form.addEventListener('reset', () => setTimeout(apply));
  addEventListener('hashchange', reveal);
  addEventListener('beforeprint', () => { for (const at of conversations) at.open = true; });
  form.hidden = false;
  apply();
  reveal();
})();
`;
