// Checks against lists and shapes are found in several languages, what proves nothing is left, and no text slows them down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGrowth } from '../../base/test-time.ts';
import type { Language } from '../ast/languages.ts';
import { guardsOf } from './guards.ts';
import { readCode } from './read-code.ts';

const namesIn = (language: Language, text: string): string[] =>
  guardsOf(readCode(language, text)).map(({ name }) => name);

const checked: [Language, string, string][] = [
  ['python', 'if column not in ALLOWED_COLUMNS:\n    raise ValueError(column)\n', 'column'],
  ['python', "if kind in ('asc', 'desc'):\n    run(kind)\n", 'kind'],
  ['python', 'if not code.isdigit():\n    abort(400)\n', 'code'],
  ['python', "if not re.fullmatch(r'[a-z0-9]{1,20}', slug):\n    abort(400)\n", 'slug'],
  ['javascript', 'if (!allowedSorts.includes(order)) return res.sendStatus(400);\n', 'order'],
  ['typescript', 'if (!/^[a-z]{1,12}$/.test(table)) throw new Error(table);\n', 'table'],
  ['java', 'if (!VALID_TABLES.contains(table)) { throw new IllegalArgumentException(); }\n', 'table'],
  ['java', 'if (!host.matches("[a-z0-9.]{1,60}")) { return; }\n', 'host'],
  ['go', 'if !slices.Contains(allowedFields, field) { return err }\n', 'field'],
  ['php', '<?php\nif (!in_array($sort, $allowed, true)) { exit; }\n', 'sort'],
  ['php', "<?php\nif (!in_array($_GET['page'], $pages, true)) { exit; }\n", "$_GET['page']"],
  ['php', "<?php\nif (!preg_match('/^[a-z]+$/', $page)) { exit; }\n", 'page'],
  ['csharp', 'if (!Regex.IsMatch(name, "^[a-z]{1,30}$")) return BadRequest();\n', 'name'],
  ['javascript', 'if (!sortable.options.includes(req.query.sort)) return;\n', 'req.query.sort'],
  ['javascript', 'if (!HOSTS_ALLOWED.includes(new URL(req.body.to).hostname)) return;\n', 'req.body.to'],
  ['typescript', 'if (!allowedHosts.has(new URL(raw).host)) return;\n', 'raw'],
  ['python', 'if urlparse(target).hostname not in HOSTS:\n    abort(400)\n', 'target'],
  ['php', '<?php\nif (!in_array(parse_url($feed, PHP_URL_HOST), $hosts, true)) { exit; }\n', 'feed'],
  ['php', "<?php\nif (in_array(strtolower($ext), ['jpg', 'png'])) { keep($ext); }\n", 'ext'],
  ['ruby', 'return unless SORTS.include?(params[:sort])\n', 'params[:sort]'],
  ['typescript', "if (target.hostname !== 'hooks.example.org') return refuse();\n", 'target'],
  ['java', 'if (!ALLOWED_HOSTS.contains(uri.host)) { return; }\n', 'uri'],
  ['ruby', 'raise unless PERMITTED.include?(order)\n', 'order'],
  ['go', 'var repoName = regexp.MustCompile(`^[a-z0-9-]+$`)\nif !repoName.MatchString(repo) { return }\n', 'repo'],
  ['go', 'if !regexp.MustCompile(`^[a-z]+$`).MatchString(repo) { return }\n', 'repo'],
  ['go', 'if ok, _ := regexp.MatchString("^[a-z]+$", repo); !ok { return }\n', 'repo'],
  ['java', 'if (!Pattern.matches("[a-z]{1,9}", user)) { return; }\n', 'user'],
  ['javascript', 'const slug = /^[a-z-]{1,40}$/;\nif (!slug.test(page)) return next();\n', 'page'],
  ['python', "slug = re.compile(r'[a-z-]+')\nif not slug.fullmatch(page):\n    abort(400)\n", 'page'],
  [
    'java',
    'static final Pattern NAME = Pattern.compile("[a-z]{1,9}");\nif (!NAME.matcher(user).matches()) { return; }\n',
    'user',
  ],
];
for (const [language, text, name] of checked) {
  test(`guardsOf() sees in ${language} that ${name} is checked: ${text.split('\n').find((line) => line.includes(name))}`, () => {
    assert.deepEqual(namesIn(language, text), [name]);
  });
}

const unproven: [string, Language, string][] = [
  ['a list of what is refused', 'python', 'if word in BANNED_WORDS:\n    abort(400)\n'],
  ['a list of what is refused', 'javascript', 'if (blockedFields.includes(field)) return;\n'],
  ['a shape open at its end', 'javascript', 'if (!/^[a-z]+/.test(table)) throw new Error(table);\n'],
  ['a shape open at its beginning', 'php', "<?php\nif (!preg_match('/[a-z]+$/', $page)) { exit; }\n"],
  ['a shape that takes anything', 'csharp', 'if (!Regex.IsMatch(name, "^.*$")) return BadRequest();\n'],
  ['a shape of all but one sign', 'java', 'if (!host.matches("[^;]+")) { return; }\n'],
  ['Python matching the beginning only', 'python', "if re.match(r'[a-z]+', slug):\n    run(slug)\n"],
  ['a named shape open at its end', 'javascript', 'const slug = /^[a-z]+/;\nif (!slug.test(page)) return;\n'],
  [
    'a named shape that takes anything',
    'go',
    'var any = regexp.MustCompile(`^.+$`)\nif !any.MatchString(a) { return }\n',
  ],
  [
    'a shape by a name that stands for another before',
    'go',
    'var one = regexp.MustCompile(`^.+$`)\none := regexp.MustCompile(`^[a-z]+$`)\nif !one.MatchString(a) { return }\n',
  ],
  [
    'a named shape of what is refused',
    'python',
    "blocked = re.compile(r'^[a-z]+$')\nif blocked.match(word):\n    abort(400)\n",
  ],
  ['a loop over a list', 'python', 'for column in ALLOWED_COLUMNS:\n    show(column)\n'],
  ['a check in a comment', 'python', '# if column in ALLOWED_COLUMNS: fine\nrun(column)\n'],
  ['an element that is named elsewhere', 'php', '<?php\nif (!in_array($_GET[$key], $pages)) { exit; }\n'],
  ['a list found in the value', 'javascript', 'if (text.includes(word)) count++;\n'],
];
for (const [what, language, text] of unproven) {
  test(`guardsOf() takes ${what} for no check in ${language}`, () => assert.deepEqual(namesIn(language, text), []));
}

test('guardsOf() tells from where on each check holds, in the order of the text', () => {
  const text = 'run(a)\nif b in ALLOWED:\n    pass\nif not a.isdigit():\n    pass\n';
  assert.deepEqual(guardsOf({ bare: text }), [
    { name: 'b', from: text.indexOf('if b') },
    { name: 'a', from: text.indexOf('a.isdigit') },
  ]);
});

const pieces = [
  'a',
  'a.',
  'ALLOWED',
  'allow',
  'allow.',
  'allow[',
  'allow[a ',
  'if ',
  'if not (a ',
  'if a in a.',
  '])}',
  '].keySet()',
  'in_array( ',
  'in_array( $_GET[',
  'slices.Contains(a.',
  'aRE.test(',
  'PATTERN',
  're.match(r"a" , ',
  '/^a$',
  '/^',
  '/a',
  'preg_match("',
  "preg_match('a', ",
  'IsMatch(a,"a',
  'a.matches("a',
  'a.match(/a',
  'x.includes( ',
  'a.test(a)',
  'a = /^',
  'a = re.compile("',
  'a = new Regex(',
];
test('guardsOf() takes time in proportion to the length of texts made to hurt it', () => {
  for (const piece of pieces) {
    const work = (length: number) => {
      const bare = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      return () => guardsOf({ bare });
    };
    assertGrowth({ what: JSON.stringify(piece), work, lengths: [16_000, 64_000], floorMs: 2 });
  }
});
