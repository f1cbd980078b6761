/**
 * Customers, services and orders of a test's own, made through the operator API, and the rows
 * behind an answer.
 */
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from './answer.ts'
import { changed, created } from './operator.ts'
import type { Fields, PurserClient } from './purser.ts'
import { transferLines } from './transfer-lines.ts'

export interface KeyTerms {
  readonly scopes?: readonly string[]
  readonly discount_percent?: number
  readonly legacy_errors?: boolean
}

export interface Customer {
  readonly id: string | number
  /** A key by the terms asked for. */
  readonly key: string
  panel(fields: Fields, headers?: Readonly<Record<string, string>>): Promise<Answer>
  panelbon(fields: Fields, headers?: Readonly<Record<string, string>>): Promise<Answer>
  crownpanel(fields: Fields, headers?: Readonly<Record<string, string>>): Promise<Answer>
  addKey(terms: KeyTerms): Promise<{ id: string | number; key: string }>
  credit(amount: string): Promise<void>
}

const FULL: readonly string[] = ['read:all', 'write:all']
let customers = 0

/** A customer with `credit` in the wallet (text, as `10.00`) and one key. */
export async function newCustomer(
  purser: PurserClient,
  o: { credit?: string; currency?: string; terms?: KeyTerms } = {},
): Promise<Customer> {
  customers++
  const { id } = await created<{ id: string | number }>(purser, '/accounts', {
    email: `customer-${process.pid}-${customers}@shop.example`,
    name: `Customer ${customers}`,
    currency: o.currency ?? 'USD',
    time_zone: 'UTC',
  })
  const addKey = (terms: KeyTerms): Promise<{ id: string | number; key: string }> =>
    created(purser, `/accounts/${id}/api-keys`, { name: 'test', scopes: FULL, ...terms })
  const credit = async (amount: string): Promise<void> => {
    await created(purser, `/accounts/${id}/credits`, { amount, reason: 'test' })
  }
  if (o.credit !== undefined) await credit(o.credit)
  const { key } = await addKey(o.terms ?? {})
  return {
    id,
    key,
    panel: (fields, headers = {}) => purser.panel(fields, { key, headers }),
    panelbon: (fields, headers = {}) => purser.panelbon(fields, { key, headers }),
    crownpanel: (fields, headers = {}) => purser.crownpanel(fields, { key, headers }),
    addKey,
    credit,
  }
}

export async function disableKey(purser: PurserClient, id: string | number): Promise<void> {
  const answer = await purser.admin('DELETE', `/api-keys/${id}`)
  assert.ok(answer.status < 300, answer.text)
}

/** The number of the order that an `add` answered, whichever panel it came from. */
export function orderNumber(answer: Answer): bigint {
  assert.equal(answer.status, 200, answer.text)
  const { order } = answer.json as { order: number | string }
  return BigInt(String(order).split('-').at(-1) ?? '')
}

/** Places an order and tells its number. */
export async function place(customer: Customer, fields: Fields): Promise<bigint> {
  return orderNumber(
    await customer.panel({ action: 'add', link: 'https://shop.example', ...fields }),
  )
}

/** `CR-202411-0001` of an order, by its row. */
export async function monthlyName(purser: PurserClient, id: bigint): Promise<string> {
  const { created_at } = await orderRow(purser, id)
  const month = created_at.toISOString().slice(0, 7).replace('-', '')
  return `CR-${month}-${String(id).padStart(4, '0')}`
}

export interface OrderRow {
  readonly account_id: bigint
  readonly service_id: bigint
  readonly state: string
  readonly quantity: bigint
  readonly remains: bigint
  readonly start_count: bigint | null
  readonly link: string
  readonly params: Record<string, unknown> | null
  readonly list_charge: bigint
  readonly charge: bigint
  readonly refunded: bigint
  readonly created_at: Date
}

export async function orderRow(purser: PurserClient, id: bigint): Promise<OrderRow> {
  const { rows } = await purser.pool.query<OrderRow>('select * from service_order where id = $1', [
    id,
  ])
  assert.ok(rows[0], `order ${id} has no row`)
  return rows[0]
}

/** An order's transfers, oldest first, as `order wallet>revenue 45000` (millionths). */
export async function transfersOf(purser: PurserClient, id: bigint): Promise<string[]> {
  return await transferLines(
    purser.pool,
    `(t.cause_kind = 'order' and t.cause_id = $1)
       or (t.cause_kind = 'order_refund'
         and t.cause_id in (select r.id from order_refund r where r.order_id = $1))`,
    [id],
  )
}

/**
 * What an account has left in the database: a refusal must leave it as it was. Work of the past
 * that the driver is still delivering is not counted.
 */
export async function footprint(
  purser: PurserClient,
  accountId: string | number,
): Promise<unknown> {
  const { rows } = await purser.pool.query(
    `select
       (select count(*) from service_order where account_id = $1) as orders,
       (select count(*) from transfer where account_id = $1) as transfers,
       (select count(*) from order_refund where account_id = $1) as refunds,
       (select count(*) from hold where account_id = $1) as holds,
       (select count(*) from card_charge where account_id = $1) as charges,
       (select count(*) from purchase where account_id = $1 and state <> 'awaiting_payment') as paid,
       (select count(*) from subscription_period where account_id = $1) as periods,
       (select count(*) from idempotency where owner_kind = 'account' and owner_id = $1) as keys,
       (select balance from ledger_account where account_id = $1 and kind = 'wallet') as balance`,
    [accountId],
  )
  return rows[0]
}

const STATE_WITHIN_MS = 120_000
const STATE_POLL_MS = 50

/** Waits until the simulated driver has brought the order into `state`. */
export async function reach(purser: PurserClient, id: bigint, state: string): Promise<OrderRow> {
  const deadline = Date.now() + STATE_WITHIN_MS
  for (;;) {
    const row = await orderRow(purser, id)
    if (row.state === state) return row
    assert.ok(Date.now() < deadline, `order ${id} is ${row.state}, not ${state}`)
    await pause(STATE_POLL_MS)
  }
}

/** Moves the test clock of a Purser that was started with PURSER_TEST_CLOCK=1. */
export async function advanceClock(purser: PurserClient, seconds: number): Promise<void> {
  const { now } = (await purser.admin('GET', '/test-clock')).json as { now: string }
  const later = new Date(Date.parse(now) + seconds * 1000).toISOString()
  await changed(purser, 'PUT /test-clock', { now: later })
}

/** What the operator does to an order: its status by the panels' words, and what remains. */
export async function setOrder(
  purser: PurserClient,
  id: bigint,
  change: { status: string; remains?: number },
): Promise<void> {
  await changed(purser, `POST /orders/${id}/status`, change)
}

/** The next `times` calls of the simulated driver's `operation` end in `fault`. */
export async function injectFault(
  purser: PurserClient,
  fault: { operation: string; fault: 'refuse' | 'timeout' | 'error'; times: number },
): Promise<void> {
  const answer = await purser.admin('PUT', '/drivers/simulated/faults', fault)
  assert.ok(answer.status < 300, answer.text)
}

export interface ServiceAnswer {
  readonly service: string
  readonly name: string
  readonly type: string
  readonly rate: string
  readonly min: string
  readonly max: string
  readonly category: string
}

/** The catalogue as the panel dialect lists it, by type. */
export async function servicesByType(
  purser: PurserClient,
): Promise<ReadonlyMap<string, ServiceAnswer>> {
  const answer = await purser.panel({ action: 'services' })
  const services = answer.json as ServiceAnswer[]
  return new Map(services.map((service) => [service.type, service]))
}

/** The charge of `quantity` at `rate` per 1000, in millionths, rounded up. */
export function chargeMicros(rate: string, quantity: number): bigint {
  const [whole = '0', fraction = ''] = rate.split('.')
  const rateMicros = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return (rateMicros * BigInt(quantity) + 999n) / 1000n
}

/** Five decimals, six when the sixth is not zero: the panel's balance and charge. */
export function panelAmount(micros: bigint): string {
  const text = `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`
  return text.endsWith('0') ? text.slice(0, -1) : text
}

/** Two decimals, more when needed: PanelBon's amounts, and rates. */
export function shortAmount(micros: bigint): string {
  const text = `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`
  return text.replace(/0{1,4}$/, '')
}

/** A rate (millionths for 1000) less `percent`, which has at most two decimals: exact text. */
export function discountedRate(rateMicros: bigint, percent: number): string {
  const scaled = rateMicros * BigInt(10_000 - Math.round(percent * 100))
  const text = scaled.toString().padStart(11, '0')
  return `${text.slice(0, -10)}.${text.slice(-10)}`.replace(/0{1,8}$/, '')
}
