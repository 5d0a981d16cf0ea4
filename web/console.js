// The console's page: log in, see the state of every dependency live, try the chatbot.

const element = (id) => document.getElementById(id);
const refreshMs = 2_000;
let texts = {};
let language = 'en';
let conversation;
let timer;
let last;

/** The text of a key with its {name} places filled. */
function say(key, facts = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (place, name) => String(facts[name] ?? place));
}

async function call(path, body) {
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'accept-language': language, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}

async function useLanguage(wanted) {
  language = wanted === 'fr' ? 'fr' : 'en';
  texts = (await call(`/api/texts/${language}`)).json;
  localStorage.setItem('language', language);
  document.documentElement.lang = language;
  document.title = say('console.title');
  element('language').value = language;
  for (const node of document.querySelectorAll('[data-text]')) node.textContent = say(node.dataset.text);
  if (last !== undefined) show(last);
}

function showInside(inside) {
  element('login').hidden = inside;
  element('inside').hidden = !inside;
  element('logout').hidden = !inside;
  clearTimeout(timer);
  if (inside) refresh();
  else element('password').focus();
}

async function refresh() {
  clearTimeout(timer);
  try {
    const { status, json } = await call('/api/status');
    if (status === 401) {
      last = undefined;
      return showInside(false);
    }
    element('lost').hidden = true;
    last = json;
    show(json);
  } catch {
    element('lost').hidden = false;
  }
  timer = setTimeout(refresh, refreshMs);
}

function show(status) {
  const overall = { ready: ['ok', 'console.status.ok'], degraded: ['degraded', 'console.status.degraded'] };
  const [tone, key] = overall[status.status] ?? ['unavailable', 'console.status.unavailable'];
  // Written only when it changes, so that a screen reader speaks of changes only.
  if (element('overall').textContent !== say(key)) element('overall').textContent = say(key);
  element('overall').className = `overall ${tone}`;
  element('standin').hidden = !status.standin;
  const { journal, store, host, providers } = status.dependencies;
  element('dependencies').replaceChildren(
    dependency(say('console.dependency.journal'), journal),
    dependency(say('console.dependency.store'), store),
    ...Object.entries(providers).map(([name, one]) =>
      dependency(
        status.standin ? say('console.dependency.standin') : say('console.dependency.provider', { name }),
        one,
      ),
    ),
    dependency(say('console.dependency.host'), host),
  );
  const { success, failure } = status.outcomes;
  element('outcomes').hidden = success + failure === 0;
  element('outcomes-empty').hidden = success + failure > 0;
  element('successes').textContent = success.toLocaleString(language);
  element('failures').textContent = failure.toLocaleString(language);
  element('keys-empty').hidden = status.keys.length > 0;
  element('keys').replaceChildren(...status.keys.map(keyRow));
}

function dependency(name, { state }) {
  const value = make('span', say(`console.state.${state}`));
  value.className = `state ${state}`;
  return row(make('span', name), value);
}

function keyRow({ prefix, subject, role, revoked }) {
  const id = make('code', `${prefix}…`);
  const who = make('span', [subject, role, ...(revoked ? [say('console.keys.revoked')] : [])].join(' · '));
  return row(id, who);
}

function row(...parts) {
  const item = document.createElement('li');
  item.append(...parts);
  return item;
}

function make(tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}

function turn(who, text, notice) {
  const node = make('p', '');
  node.className = who === 'console.you' ? 'turn mine' : 'turn';
  const name = make('strong', say(who));
  // So that it changes with the language of the page.
  name.dataset.text = who;
  node.append(name, text);
  if (notice !== undefined && notice !== text) {
    const small = make('span', notice);
    small.className = 'notice';
    node.append(small);
  }
  element('thread-empty').hidden = true;
  element('thread').append(node);
  node.scrollIntoView({ block: 'nearest' });
  return node;
}

/** A question that waits: its place in the queue while it does, then its answer in the same place. */
function follow(node, { id, position }) {
  const place = make('span', say('console.chat.place', { position }));
  place.className = 'notice';
  node.append(place);
  const look = async () => {
    try {
      const { status, json } = await call(`/api/chat/deferred/${encodeURIComponent(id)}`);
      if (status !== 200) return place.remove();
      if (json.endedAt !== undefined)
        return node.replaceWith(turn('console.assistant', json.answer?.reply ?? json.message));
      const text =
        json.position === undefined
          ? say('console.chat.answering')
          : say('console.chat.place', { position: json.position });
      // Written only when it changes, so that a screen reader speaks of changes only.
      if (place.textContent !== text) place.textContent = text;
    } catch {
      // The console cannot be reached: the banner says so, and this goes on when it can.
    }
    setTimeout(look, refreshMs);
  };
  setTimeout(look, refreshMs);
}

element('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  element('login-error').textContent = '';
  const { status } = await call('/api/login', { password: element('password').value });
  if (status === 200) {
    element('password').value = '';
    showInside(true);
    element('message').focus();
  } else element('login-error').textContent = say(status === 429 ? 'console.login.wait' : 'console.login.failed');
});

element('logout').addEventListener('click', async () => {
  await call('/api/logout', {});
  conversation = undefined;
  last = undefined;
  showInside(false);
});

element('language').addEventListener('change', () => useLanguage(element('language').value));

element('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  const field = element('message');
  const message = field.value.trim();
  if (message === '') return;
  const button = event.submitter ?? element('ask').querySelector('button');
  button.disabled = true;
  field.value = '';
  turn('console.you', message);
  const waiting = turn('console.assistant', say('console.chat.thinking'));
  try {
    const { status, json } = await call('/api/chat', {
      message,
      ...(conversation === undefined ? {} : { conversation }),
    });
    waiting.remove();
    if (status === 200) {
      conversation = json.conversation;
      const node = turn('console.assistant', json.reply, json.degraded?.notice);
      if (json.degraded?.deferred !== undefined) follow(node, json.degraded.deferred);
    } else turn('console.assistant', `${json.error.message}. ${json.error.todo}`);
  } catch {
    waiting.remove();
    turn('console.assistant', say('console.lost'));
  }
  button.disabled = false;
  field.focus();
  refresh();
});

// It scrolls, so the keyboard must reach it.
element('thread').tabIndex = 0;
const { json: session } = await call('/api/session');
await useLanguage(localStorage.getItem('language') ?? (navigator.language.startsWith('fr') ? 'fr' : session.lang));
showInside(session.loggedIn);
