/** What is served beside the APIs: pages, Markdown, errors, and what is not there. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { REFUSALS } from '../src/core/refusal.ts'
import { PROBLEMS } from '../src/http/rest/problems.ts'
import { startTestPurser } from './kit/purser.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const HTML = { accept: 'text/html,application/xhtml+xml' }

function get(path: string, headers: Readonly<Record<string, string>> = HTML): Promise<Response> {
  return fetch(purser.url + path, { headers })
}

test('every code of every refusal has a page that says what to change', async () => {
  const codes = new Set([
    ...Object.keys(REFUSALS),
    ...Object.values(PROBLEMS).map((problem) => problem.code),
  ])
  for (const code of codes) {
    const response = await get(`/errors/${code}`)
    assert.equal(response.status, 200, code)
    const text = await response.text()
    assert.match(text, /What to change/)
    assert.ok(text.includes(`<code>${code}</code>`), code)
  }
})

/** How an error's page says that each API answers: status and text by the API's title. */
async function answersOn(code: string): Promise<Record<string, string>> {
  const page = await (await get(`/errors/${code}`)).text()
  const rows = page.matchAll(
    /<tr><th[^>]*><a [^>]*>([^<]*)<\/a><\/th><td>([^<]*)<\/td><td>([^<]*)</g,
  )
  return Object.fromEntries([...rows].map(([, api, status, text]) => [api, `${status} ${text}`]))
}

test("an error's page shows what each API answers, and no API that never does", async () => {
  const problem = (text: string) => ({ HostUp: text, 'Operator API': text })
  assert.deepEqual(await answersOn('already_paid'), {
    'CrownPanel API': '200 Invoice Already Paid.',
    'VPSBG API': '400 already_paid',
    ...problem('409 Not possible in this state (invalid_state)'),
  })
  assert.deepEqual(await answersOn('insufficient_funds'), {
    'CrownPanel API': '200 Wallet Balance not enough to renew this service.',
    'VPSBG API': '400 insufficient_funds',
    'Panel API': '402 Not enough funds on balance',
    'PanelBon API v2': '400 Insufficient balance',
    ...problem('402 Not enough money (insufficient_funds)'),
    'Customer API': '402 Not enough money (insufficient_funds)',
  })
  assert.deepEqual(await answersOn('payment_reversed'), {
    'CrownPanel API': '200 Success, $5 was reversed back to account due to an API issue.',
    'VPSBG API': '400 payment_reversed',
    ...problem('502 The provider failed (provider_error)'),
  })
  assert.deepEqual(await answersOn('existing_invoice_blocking'), {
    'VPSBG API': '400 existing_invoice_blocking',
    ...problem('409 An unpaid invoice exists (existing_invoice_blocking)'),
  })
  for (const code of ['invalid_input', 'invalid_request']) {
    assert.deepEqual(await answersOn(code), {
      'CrownPanel API': '200 Invalid INVOICE_ID.',
      'VPSBG API': '422 invalid_input',
      'Panel API': '400 quantity must be between 50 and 10000',
      'PanelBon API v2': '400 Invalid parameters',
      ...problem('400 Validation failed (invalid_request)'),
      'Customer API': '400 Validation failed (invalid_request)',
    })
  }
  assert.deepEqual(Object.keys(await answersOn('refund_exceeds_charge')), ['Operator API'])
  assert.equal((await answersOn('unauthorized'))['VPSBG API'], '401 unauthorized')
})

test('the type of a problem leads to its page', async () => {
  const answer = await purser.admin('GET', '/accounts/999999')
  assert.equal(answer.status, 404)
  const { type, code } = answer.json as { type: string; code: string }
  assert.equal(type, `${purser.url}/errors/${code}`)
  assert.equal((await fetch(type)).status, 200)
})

test('pages carry the headers that HTML needs, answers of the APIs do not', async () => {
  for (const path of [
    '/',
    '/docs',
    '/docs/panel',
    '/docs/hostup',
    '/errors',
    '/errors/not_found',
    '/nothing',
  ]) {
    const response = await get(path)
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8', path)
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none';/)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    const text = await response.text()
    assert.doesNotMatch(text, /<script|\sstyle=|\son\w+=/i, path)
  }
  const answer = await purser.panel({ action: 'balance' })
  assert.equal(answer.headers.get('content-security-policy'), null)
})

test('no page shows anything secret', async () => {
  const { operator, customers } = purser.demo
  const secrets = [operator.password, operator.api_key, ...customers.map(({ keys }) => keys.full)]
  for (const path of ['/', '/docs', '/docs/panel', '/docs/admin', '/openapi/admin.json']) {
    const text = await (await get(path)).text()
    for (const secret of secrets) assert.ok(!text.includes(secret), path)
  }
})

test('what is not there: a page for a browser, a problem for a program', async () => {
  const page = await get('/nothing/here')
  assert.equal(page.status, 404)
  assert.match(await page.text(), /There is nothing here/)
  for (const [method, path, headers] of [
    ['GET', '/nothing/here?key=secret', {}],
    ['POST', '/nothing/here', HTML],
    ['POST', '/v2/servers', { accept: 'application/json' }],
    ['GET', '/errors/no_such_code', {}],
  ] as const) {
    const response = await fetch(purser.url + path, { method, headers })
    assert.equal(response.status, 404, path)
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    const problem = (await response.json()) as { code: string; instance: string }
    assert.equal(problem.code, 'not_found')
    assert.equal(problem.instance, path.split('?')[0])
  }
})

test('examples ask the origin that the reader came by, as a text', async () => {
  const page = await (await get('/docs/panel')).text()
  assert.ok(page.includes(`curl ${purser.url}/api/v2`))
  const markdown = await get('/docs/panel.md', {})
  assert.equal(markdown.headers.get('content-type'), 'text/markdown; charset=utf-8')
  assert.ok((await markdown.text()).includes(`curl ${purser.url}/api/v2 \\\n  -d key=YOUR_API_KEY`))
})

test('with PUBLIC_URL they ask that', async () => {
  const other = await startTestPurser({ env: { PUBLIC_URL: 'https://panel.example' } })
  try {
    const page = await (await fetch(`${other.url}/docs/panelbon`)).text()
    assert.ok(page.includes('curl https://panel.example/app/api/v2'))
  } finally {
    await other.stop()
  }
})
