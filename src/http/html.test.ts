import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curlOf } from '../docs/curl.ts'
import { html, inline } from './html.ts'

test('what is put into HTML is text, whatever it holds', () => {
  const evil = `"><script>alert('1') & more</script>`
  assert.equal(
    html`<a title="${evil}">${evil}</a>`.text,
    '<a title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;) &amp; more&lt;/script&gt;">' +
      '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;) &amp; more&lt;/script&gt;</a>',
  )
  assert.equal(html`${[html`<b>${1}</b>`, undefined, false, '<']}`.text, '<b>1</b>&lt;')
})

test('backticks are code, links are links, and both are escaped', () => {
  assert.equal(
    inline('Send `a<b` to [the `docs`](/docs) & go').text,
    'Send <code>a&lt;b</code> to <a href="/docs">the <code>docs</code></a> &amp; go',
  )
})

test('a curl line survives a shell', () => {
  assert.equal(
    curlOf({
      url: 'http://host/a/{id}',
      method: 'post',
      auth: 'bearer',
      json: { name: "Ada's" },
    }),
    `curl http://host/a/ID \\\n  -H 'Authorization: Bearer YOUR_OPERATOR_KEY' \\\n` +
      `  -H 'Content-Type: application/json' \\\n  -d '{"name":"Ada'\\''s"}'`,
  )
  assert.equal(
    curlOf({ url: 'http://host/', method: 'post', form: { lines: "it's\ntwo", n: 1 } }),
    `curl http://host/ \\\n  --data-urlencode $'lines=it\\'s\\ntwo' \\\n  -d n=1`,
  )
})
