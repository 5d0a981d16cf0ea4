// The scripts of a page are read as scripts, each on its own line of the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectCode } from './inspect-code.ts';
import { scriptsOf } from './scripts-of.ts';

test('scriptsOf() blanks all but the scripts and keeps every line', () => {
  const page =
    '<p>a</p>\n<script>\nlet a = 1;\n</script>\n<script type="text/template">x</script>\n<script>b()</script>\n';
  const lines = scriptsOf(page)?.split('\n');
  assert.equal(lines?.[2], 'let a = 1;');
  assert.equal(lines?.[4]?.trim(), '');
  assert.equal(lines?.[5]?.trim(), 'b()');
});

test('scriptsOf() has nothing of a page without scripts, or with scripts from elsewhere only', () => {
  assert.equal(scriptsOf('<p>script</p>'), null);
  assert.equal(scriptsOf('<script src="a.js"></script>'), null);
});

test('scriptsOf() reads to the end where an answer was cut off', () => {
  assert.match(scriptsOf('<script>\nf();\n') ?? '', /f\(\);/);
});

test('inspectCode() follows a value through the script of a page', () => {
  const page = '<div id="o"></div>\n<script>\nconst m = location.hash.slice(1);\no.innerHTML = m;\n</script>\n';
  assert.deepEqual(
    inspectCode('html', page).map(({ rule, line }) => [rule.weakness, line]),
    [['xss', 4]],
  );
});
