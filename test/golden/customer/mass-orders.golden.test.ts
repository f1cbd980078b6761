/** Many orders at once, over the customer and the operator API, and orders as a file. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, readAnswer } from '../../kit/answer.ts'
import { assertRefused, bearer, customerApi } from '../../kit/customer-api.ts'
import { assertDocumented } from '../../kit/documented.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { type Customer, footprint, newCustomer, orderRow, transfersOf } from '../../kit/shop.ts'
import { newTestService, walletOf } from '../../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const service = await newTestService(purser, '1.00')
const UNIT = 1_000_000n

interface Line {
  readonly line: number
  readonly text: string
  readonly order: { readonly id: string; readonly charge: string } | null
  readonly problem: { readonly code: string; readonly detail: string } | null
}

function linesOf(answer: Answer): readonly Line[] {
  assert.equal(answer.status, 200, answer.text)
  return (answer.json as { data: Line[] }).data
}

/** Both ways to order for `customer`, with the name of who orders in the audit trail. */
function waysFor(customer: Customer) {
  const own = customerApi(purser, bearer(customer.key))
  return [
    {
      by: 'key',
      ask: (body: unknown, headers = {}) => own.ask('POST /mass-orders', body, headers),
    },
    {
      by: 'operator',
      ask: async (body: unknown, headers = {}) => {
        const path = `/accounts/${customer.id}/mass-orders`
        const answer = await purser.admin('POST', path, body, { headers })
        assertDocumented('admin', 'post /admin/v1/accounts/{id}/mass-orders', answer)
        return answer
      },
    },
  ]
}

test('every line is answered for itself, with the text that was sent', async () => {
  for (const which of [0, 1]) {
    const customer = await newCustomer(purser, { credit: '100.00' })
    const { ask, by } = waysFor(customer)[which]!
    const pack = purser.demo.services.Package ?? ''
    const sent = [
      `${service}|https://shop.example/1|1000`,
      '',
      ` ${service} | https://shop.example/a|b | 500 `,
      '2000000000|https://shop.example/2|100',
      `${service}|https://shop.example/3|many`,
      `${service}|https://shop.example/4`,
      `${pack}|https://shop.example/5`,
      'nonsense',
    ]
    const answers = linesOf(await ask({ lines: sent.join('\r\n') }))
    assert.deepEqual(
      answers.map(({ line, problem }) => [line, problem?.code ?? null]),
      [
        [1, null],
        [3, null],
        [4, 'not_found'],
        [5, 'invalid_request'],
        [6, 'invalid_request'],
        [7, null],
        [8, 'not_found'],
      ],
    )
    assert.equal(answers[0]?.text, sent[0])
    assert.equal(answers[3]?.problem?.detail, 'quantity must be a whole number')
    const [first, second] = answers.map(({ order }) => order)
    assert.deepEqual([first?.charge, second?.charge], ['1.00', '0.50'])
    assert.equal((await orderRow(purser, BigInt(second!.id))).link, 'https://shop.example/a|b')
    for (const { order } of answers) {
      if (order === null) continue
      const { rows } = await purser.pool.query(
        `select actor_kind from event where kind = 'order.placed' and subject_id = $1`,
        [order.id],
      )
      assert.deepEqual(rows, [{ actor_kind: by }])
      const [transfer] = await transfersOf(purser, BigInt(order.id))
      assert.match(transfer ?? '', /^order wallet>revenue \d+$/)
    }
  }
})

test('money that does not reach for all pays for some, each in full', async () => {
  const customer = await newCustomer(purser, { credit: '5.00' })
  const lines = Array.from({ length: 300 }, (_, n) => `${service}|https://shop.example/${n}|1000`)
  for (const { ask } of waysFor(customer)) {
    const answers = linesOf(await ask({ lines: lines.join('\n') }))
    const refused = answers.filter(({ problem }) => problem !== null)
    assert.ok(refused.every(({ problem }) => problem?.code === 'insufficient_funds'))
    assert.equal(refused.length, 295)
    assert.equal(await walletOf(purser, customer.id), 0n)
    await customer.credit('5.00')
  }
})

test('a repeat finds the same orders, and tries again what was refused', async () => {
  for (const which of [0, 1]) {
    const customer = await newCustomer(purser, { credit: '1.00' })
    const { ask } = waysFor(customer)[which]!
    const body = {
      lines: `${service}|https://shop.example/1|1000\n${service}|https://b.example|1000`,
    }
    const headers = { 'idempotency-key': `mass-${customer.id}` }
    const first = await ask(body, headers)
    assert.equal(first.headers.get('idempotent-replayed'), null)
    const [bought, refused] = linesOf(first)
    assert.equal(refused?.problem?.code, 'insufficient_funds')
    await customer.credit('5.00')
    const again = await ask(body, headers)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    const [same, placed] = linesOf(again)
    assert.deepEqual(same, bought)
    assert.notEqual(placed?.order, null)
    assert.equal((await ask(body, headers)).text, again.text)
    assert.equal(await walletOf(purser, customer.id), 4n * UNIT)
    const other = { lines: `${service}|https://shop.example/1|1000` }
    assertRefused(await ask(other, headers), 409, 'idempotency_key_reused')
    assert.equal(await walletOf(purser, customer.id), 4n * UNIT)
  }
})

test('a key that stands for one order is no key for many, nor the other way round', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const api = customerApi(purser, bearer(customer.key))
  const order = { service, link: 'https://shop.example', quantity: 1000 }
  const lines = { lines: `${service}|https://shop.example|1000` }
  const [a, b] = ['a', 'b'].map((name) => ({ 'idempotency-key': `${name}-${customer.id}` }))
  assert.equal((await api.ask('POST /orders', order, a)).status, 201)
  assertRefused(await api.ask('POST /mass-orders', lines, a), 409, 'idempotency_key_reused')
  linesOf(await api.ask('POST /mass-orders', lines, b))
  assertRefused(await api.ask('POST /orders', order, b), 409, 'idempotency_key_reused')
  assert.equal(await walletOf(purser, customer.id), 8n * UNIT)
})

test('what is none, too many or not text is refused as a whole', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const before = await footprint(purser, customer.id)
  const many = Array(1001).fill(`${service}|https://shop.example|1`).join('\n')
  for (const { ask } of waysFor(customer)) {
    for (const body of [{}, { lines: '' }, { lines: ' \n\n' }, { lines: many }, { lines: ['1'] }]) {
      assertRefused(await ask(body), 400, 'invalid_request')
    }
    assertRefused(await ask({ lines: many }, { 'idempotency-key': 'x' }), 400, 'invalid_request')
  }
  assert.deepEqual(await footprint(purser, customer.id), before)
  const nobody = await purser.admin('POST', '/accounts/999999/mass-orders', { lines: many })
  assertRefused(nobody, 404, 'not_found')
})

test('an operator orders for no suspended account', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const path = `/accounts/${customer.id}`
  assert.equal((await purser.admin('POST', `${path}/suspend`)).status, 200)
  const lines = `${service}|https://shop.example|1000`
  const answer = await purser.admin('POST', `${path}/mass-orders`, { lines })
  assertRefused(answer, 409, 'invalid_state')
  assert.equal(await walletOf(purser, customer.id), 10n * UNIT)
})

const HEADINGS =
  'id,public_id,created_at,service_id,type,state,link,quantity,start_count,remains,currency,' +
  'list_charge,charge,refunded'

test('orders come as a file in which no cell is a formula', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const stranger = await newCustomer(purser, { credit: '10.00' })
  const api = customerApi(purser, bearer(customer.key))
  const links = ['=1+2', '@sum', 'a "quoted", one', '-1', 'https://shop.example']
  for (const link of links) {
    const placed = await api.ask('POST /orders', { service, link, quantity: 100 })
    assert.equal(placed.status, 201, placed.text)
  }
  await customerApi(purser, bearer(stranger.key)).ask('POST /orders', {
    service,
    link: 'https://stranger.example',
    quantity: 100,
  })
  const answer = await api.ask('GET /orders.csv')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="orders.csv"')
  const [headings, ...rows] = answer.text.split('\r\n')
  assert.equal(headings, HEADINGS)
  assert.equal(rows.pop(), '')
  const cells = rows.map((row) => /,Default,\w+,(.*),100,\d*,\d+,USD,/.exec(row)?.[1])
  assert.deepEqual(cells, ['https://shop.example', "'-1", '"a ""quoted"", one"', "'@sum", "'=1+2"])
  assert.match(rows[0] ?? '', /^\d+,CR-\d{6}-\d{4,},[^,]+Z,\d+,Default,.*,USD,0\.10,0\.10,0\.00$/)
  const none = await api.ask('GET /orders.csv?state=failed')
  assert.equal(none.text, `${HEADINGS}\r\n`)
  const later = await api.ask('GET /orders.csv?created_from=2100-01-01T00:00:00Z')
  assert.equal(later.text, `${HEADINGS}\r\n`)
  const earlier = await api.ask('GET /orders.csv?created_before=2100-01-01T00:00:00Z')
  assert.equal(earlier.text.split('\r\n').length, rows.length + 2)
  assertRefused(await api.ask('GET /orders.csv?created_from=x'), 400, 'invalid_request')
  const operator = await purser.admin('GET', `/orders.csv?account_id=${customer.id}`)
  assert.equal(operator.text.split('\r\n')[0], `${HEADINGS},account_id,provider,provider_ref`)
  assert.equal(operator.text.split('\r\n').length, rows.length + 2)
})

test('a file of more orders than are read at once has each of them once', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const { ask } = waysFor(customer)[0]!
  const lines = Array.from({ length: 700 }, (_, n) => `${service}|https://shop.example/${n}|1`)
  const ids: string[] = []
  for (let n = 0; n < 3; n++) {
    const placed = linesOf(await ask({ lines: lines.join('\n') }))
    ids.push(...placed.map(({ order }) => order!.id))
  }
  const response = await fetch(`${purser.url}/customer/v1/orders.csv`, {
    headers: bearer(customer.key),
  })
  const { text } = await readAnswer(response)
  const rows = text.split('\r\n').slice(1, -1)
  const found = rows.map((row) => BigInt(row.split(',', 1)[0]!))
  const newestFirst = ids.map(BigInt).sort((a, b) => (a < b ? 1 : -1))
  assert.deepEqual(found, newestFirst)
})

test('the books balance', () => assertBooksBalance(purser))
