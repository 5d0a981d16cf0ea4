import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGrowth } from '../../platform/base/test-time.ts';
import { htmlToMarkdown } from './html.ts';

for (const [title, html, expected] of [
  ['entities and blocks', '<p>a &lt; b &amp;&amp; c&#39;s</p><p>d</p>', "a < b && c's\n\nd"],
  [
    'code with its indentation',
    '<pre><code class="language-go">if a {\n\treturn\n}\n</code></pre>',
    '```go\nif a {\n\treturn\n}\n```',
  ],
  ['code that holds marks of fences', '<pre><code>```\nx\n```</code></pre>', '````\n```\nx\n```\n````'],
  ['no scripts and no styles', '<style>p{}</style>a<script>if (x < 1) alert("</p>")</script>b', 'ab'],
  ['lists and inline code', '<ul><li>use <code>x</code></li><li>y</li></ul>', '- use `x`\n\n- y'],
  ['what never closes', '<pre><code>x', '```\nx\n```'],
] as const) {
  test(`htmlToMarkdown() keeps ${title}`, () => assert.equal(htmlToMarkdown(html), expected));
}

for (const hostile of ['<a "', "<b '", '<', '<!--', '<script>', '<pre>', '&#', '<p x=', '<script></script>']) {
  test(`htmlToMarkdown() reads "${hostile}" without end in time that grows with its length`, () => {
    const work = (times: number) => () => htmlToMarkdown(`<div>${hostile.repeat(times)}`);
    assertGrowth({ what: hostile, work, lengths: [10_000, 50_000], mostMs: 2_000, floorMs: 5 });
  });
}
