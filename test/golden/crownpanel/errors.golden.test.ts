import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertWire, readAnswer } from '../../kit/answer.ts'
import { assertDocumented } from '../../kit/documented.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import { openRenewal, renewableServer } from '../../kit/servers.ts'
import { disableKey, footprint, newCustomer } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const owner = await newCustomer(purser, { credit: '100.00' })
const server = await renewableServer(purser, owner)
const invoice = await openRenewal(purser, server)
const VMID = String(server.id)

/** Every query that there is, as one would ask it, and the scope that it needs. */
const QUERIES: readonly (readonly [fields: Fields, scope: string])[] = [
  [{ QUERY: 'renew_service', VMID }, 'write:billing'],
  [{ QUERY: 'list_vms' }, 'read:vm'],
  [{ QUERY: 'vps_info', VMID }, 'read:vm'],
  [{ QUERY: 'network_info', VMID }, 'read:vm'],
  [{ QUERY: 'bandwidth_usage_v2', VMID }, 'read:vm'],
  [{ QUERY: 'balance' }, 'read:billing'],
  [{ QUERY: 'list_invoices' }, 'read:billing'],
  [{ QUERY: 'list_invoices', VMID }, 'read:billing'],
  [{ QUERY: 'list_transactions' }, 'read:billing'],
]
const OF_A_SERVER = QUERIES.filter(([fields]) => 'VMID' in fields)

function triple(query: string, text: string): string {
  return `{"query_status":"Error","query":${JSON.stringify(query)},"query_result":"${text}"}`
}

/** A refusal as it goes over the wire, and that the document knows it. */
function assertRefused(answer: Answer, query: unknown, text: string): void {
  assertWire(answer, 200, triple(String(query), text))
  assertDocumented('crownpanel', 'post /', answer)
}

/** Fails where any of the answers of `ask` has moved anything of the owner's. */
async function nothingMoves(ask: () => Promise<void>): Promise<void> {
  const before = await footprint(purser, owner.id)
  await ask()
  assert.deepEqual(await footprint(purser, owner.id), before)
}

test('Invalid API Key: none, an empty, a wrong, an operator’s, whatever is asked', () =>
  nothingMoves(async () => {
    const wrong = `${owner.key}x`
    for (const key of [null, '', 'wrong', wrong, purser.demo.operator.api_key, 'k\0k']) {
      for (const [fields] of [...QUERIES, [{ QUERY: 'nothing' }], [{ QUERY: 'power_on' }]]) {
        assertRefused(
          await purser.crownpanel(fields!, { key }),
          (fields as { QUERY: string }).QUERY,
          'Invalid API Key.',
        )
      }
    }
  }))

test('Invalid API Key: a disabled one', async () => {
  const { id, key } = await owner.addKey({})
  await disableKey(purser, id)
  for (const [fields] of QUERIES) {
    assertRefused(await purser.crownpanel(fields, { key }), fields.QUERY, 'Invalid API Key.')
  }
})

test('without QUERY, `query` is empty', async () => {
  assertRefused(await owner.crownpanel({}), '', 'Invalid QUERY.')
  assertRefused(await purser.crownpanel({}, { key: null }), '', 'Invalid API Key.')
})

test('Invalid QUERY: sent back as it came', async () => {
  for (const QUERY of [
    'nothing',
    '__proto__',
    'add',
    'renew_service2',
    'a "quoted" one',
    'n\0ne',
  ]) {
    assertRefused(await owner.crownpanel({ QUERY }), QUERY, 'Invalid QUERY.')
  }
})

test('This is not available yet: what belongs to the API and is not there', async () => {
  const later = [
    'snapshot_list',
    'snapshot_create',
    'snapshot_restore',
    'snapshot_delete',
    'vnc_info',
    'power_on',
    'power_off',
    'shutdown',
    'reboot',
    'change_hostname',
    'change_password',
    'reinstall',
  ]
  for (const QUERY of later) {
    assertRefused(await owner.crownpanel({ QUERY, VMID }), QUERY, 'This is not available yet.')
  }
})

test('API Key not permitted: the scope decides, and nothing else', () =>
  nothingMoves(async () => {
    const tables: readonly (readonly [scopes: readonly string[], allows: readonly string[]])[] = [
      [['read:all'], ['read:vm', 'read:billing']],
      [['read:vm'], ['read:vm']],
      [['read:billing'], ['read:billing']],
      [['write:vm', 'power:vm', 'write:orders', 'write:services', 'read:support'], []],
    ]
    for (const [scopes, allows] of tables) {
      const { key } = await owner.addKey({ scopes })
      for (const [fields, scope] of QUERIES) {
        const answer = await purser.crownpanel(fields, { key })
        if (allows.includes(scope)) assert.doesNotMatch(answer.text, /not permitted/)
        else assertRefused(answer, fields.QUERY, 'API Key not permitted.')
      }
    }
    // What may only write is not told what there is to read.
    const { key } = await owner.addKey({ scopes: ['write:all'] })
    for (const [fields, scope] of QUERIES.filter(([, scope]) => scope !== 'write:billing')) {
      assert.ok(scope.startsWith('read:'))
      assertRefused(
        await purser.crownpanel(fields, { key }),
        fields.QUERY,
        'API Key not permitted.',
      )
    }
  }))

test('Invalid VMID: missing, empty, unknown, another account’s, or no name at all', () =>
  nothingMoves(async () => {
    const stranger = await newCustomer(purser, { credit: '100.00' })
    const theirs = await renewableServer(purser, stranger)
    const names = [
      '999999999',
      '0',
      '-1',
      '1e3',
      '9223372036854775807',
      '99999999999999999999',
      `${VMID}\0`,
      `${VMID},${VMID}`,
      `${VMID} or 1=1`,
      'vps_00000000000000000000000000',
      'vps_zzzzzzzzzzzzzzzzzzzzzzzzzz',
      'CR-202411-0001',
      'ÿ',
      String(theirs.id),
      theirs.publicId,
    ]
    for (const [fields] of OF_A_SERVER) {
      for (const name of names) {
        assertRefused(
          await owner.crownpanel({ ...fields, VMID: name }),
          fields.QUERY,
          'Invalid VMID.',
        )
      }
      if (fields.QUERY === 'list_invoices') continue
      const { VMID: _vmid, ...without } = fields
      for (const none of [without, { ...without, VMID: '' }, { ...without, VMID: '  ' }]) {
        assertRefused(await owner.crownpanel(none), fields.QUERY, 'Invalid VMID.')
      }
    }
  }))

test('Invalid INVOICE_ID: unknown, another account’s, another server’s, or no name at all', async () => {
  const stranger = await newCustomer(purser, { credit: '100.00' })
  const theirs = await openRenewal(purser, await renewableServer(purser, stranger))
  const other = await openRenewal(purser, await renewableServer(purser, owner))
  const names = ['999999999', '0', '-1', '1e3', `${invoice.id}\0`, 'inv_x', 'x']
  await nothingMoves(async () => {
    for (const name of [...names, String(theirs.id), theirs.publicId, String(other.id)]) {
      assertRefused(
        await owner.crownpanel({ QUERY: 'renew_service', VMID, INVOICE_ID: name }),
        'renew_service',
        'Invalid INVOICE_ID.',
      )
    }
  })
})

test('an idempotency key that is none', () =>
  nothingMoves(async () => {
    for (const key of ['has a blank', 'ä', 'x'.repeat(256)]) {
      assertRefused(
        await owner.crownpanel({ QUERY: 'renew_service', VMID, IDEMPOTENCY_KEY: key }),
        'renew_service',
        'An idempotency key is 1 to 255 printable ASCII characters.',
      )
    }
  }))

test('values that are no texts, and bodies that are no forms', () =>
  nothingMoves(async () => {
    const json = (body: string) => send(body, 'application/json')
    const wrapped = (VMID: unknown) =>
      JSON.stringify({ API_KEY: owner.key, QUERY: 'renew_service', VMID })
    const table: readonly (readonly [Answer, string, string])[] = [
      [await json(wrapped({ id: VMID })), '', 'VMID must be a text or a number'],
      [await json(wrapped([[VMID]])), '', 'VMID must be a text or a number'],
      [await json(wrapped(null)), 'renew_service', 'Invalid VMID.'],
      [await json(wrapped(['999999999'])), 'renew_service', 'Invalid VMID.'],
      [await json(wrapped(true)), 'renew_service', 'Invalid VMID.'],
      [await json(wrapped(999999999)), 'renew_service', 'Invalid VMID.'],
      [await json('[1]'), '', 'The body must be a form or a JSON object'],
      [await json('"text"'), '', 'The body must be a form or a JSON object'],
      [await json('{"API_KEY":'), '', 'The body is not valid JSON'],
      [
        await send(`<QUERY>${VMID}</QUERY>`, 'application/xml'),
        '',
        'Send the body as application/x-www-form-urlencoded, multipart or JSON',
      ],
      [await send('x', 'multipart/form-data'), '', 'The multipart body has no boundary'],
      [
        await send(
          `API_KEY=${owner.key}&QUERY=renew_service&VMID[]=${VMID}&VMID[]=2`,
          'application/x-www-form-urlencoded',
        ),
        'renew_service',
        'Invalid VMID.',
      ],
      [
        await send('x'.repeat(2_000_000), 'application/x-www-form-urlencoded'),
        '',
        'The request body is too large.',
      ],
    ]
    for (const [answer, query, text] of table) assertRefused(answer, query, text)
  }))

function send(body: string, type: string): Promise<Answer> {
  const options = { method: 'POST', body, headers: { 'content-type': type } }
  return fetch(purser.url, options).then(readAnswer)
}

test('another method is refused in the same form; only POST acts', () =>
  nothingMoves(async () => {
    const query = new URLSearchParams({ API_KEY: owner.key, QUERY: 'renew_service', VMID })
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await readAnswer(await fetch(`${purser.url}/?${query}`, { method }))
      assertWire(answer, 200, triple('', 'Send a POST with API_KEY and QUERY.'))
    }
    for (const method of ['GET', 'HEAD']) {
      const page = await fetch(`${purser.url}/?${query}`, { method })
      assert.equal(page.status, 200)
      assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.ok(!(await page.text()).includes(owner.key))
    }
  }))

test('the order of checks: key, query, scope, shape, objects', async () => {
  const { key } = await owner.addKey({ scopes: ['read:vm'] })
  const ask = (fields: Fields, sent: string | null = key) =>
    purser.crownpanel(fields, { key: sent })
  const renew = { QUERY: 'renew_service' }
  assertRefused(await ask({ QUERY: 'nothing' }, 'wrong'), 'nothing', 'Invalid API Key.')
  assertRefused(await ask({ QUERY: 'nothing' }), 'nothing', 'Invalid QUERY.')
  // Scope before shape and objects.
  assertRefused(await ask(renew), 'renew_service', 'API Key not permitted.')
  assertRefused(await ask({ ...renew, VMID: 'x' }), 'renew_service', 'API Key not permitted.')
  // Objects before money.
  const poor = await newCustomer(purser)
  assertRefused(await poor.crownpanel({ ...renew, VMID }), 'renew_service', 'Invalid VMID.')
})

test('429 with Retry-After, in the same form', async () => {
  const limited = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: '2' } })
  try {
    let answer = await limited.crownpanel({ QUERY: 'balance' })
    for (let tries = 0; answer.status !== 429 && tries < 6; tries++) {
      answer = await limited.crownpanel({ QUERY: 'balance' })
    }
    assertWire(answer, 429, triple('balance', 'Too many requests; try again later.'))
    assertDocumented('crownpanel', 'post /', answer)
    assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    assert.equal(answer.headers.get('ratelimit-limit'), '2')
    assert.equal(answer.headers.get('ratelimit-remaining'), '0')
    assert.equal(answer.headers.get('x-ratelimit-limit'), '2')
    for (let tries = 0; tries < 6; tries++) {
      answer = await limited.crownpanel({ QUERY: 'balance' }, { key: 'wrong' })
      if (answer.status === 429) break
      assertRefused(answer, 'balance', 'Invalid API Key.')
    }
    assertWire(answer, 429, triple('balance', 'Too many requests; try again later.'))
  } finally {
    await limited.stop()
  }
})

test('the books balance', () => assertBooksBalance(purser))
