/**
 * Orders and cancels, most under an idempotency key, sent without pause while things are killed;
 * then all of them again, and what the database says about each.
 */
import assert from 'node:assert/strict'
import type { Answer } from './answer.ts'
import type { Fields, PurserClient } from './purser.ts'
import type { Seeded } from './seeded.ts'

type Dialect = 'panel' | 'panelbon'

interface Asked {
  readonly dialect: Dialect
  readonly fields: Fields
  /** Undefined where it was sent without one. */
  readonly idempotencyKey: string | undefined
  /** Undefined where the connection was lost before an answer came. */
  answer: Answer | undefined
}

export interface KeyedLoad {
  /** Sends from `loops` loops until `answered` more answers have come, then goes on until `stop`. */
  run(pursers: readonly PurserClient[], o: { loops: number; answered: number }): Promise<void>
  /** Lets what is out come back or fail. */
  stop(): Promise<void>
  /** Asks again whatever had a key since the last time, and holds the answers against the first. */
  repeatAll(purser: PurserClient): Promise<void>
  /** Judges the rows of the customer by all that was asked and answered. */
  check(query: (sql: string, values: unknown[]) => Promise<Row[]>): Promise<void>
  readonly asked: readonly Asked[]
}

type Row = Record<string, unknown>

export function keyedLoad(
  random: Seeded,
  o: { accountId: string | number; key: string; service: string; creditMicros: bigint },
): KeyedLoad {
  const asked: Asked[] = []
  const placed: string[] = []
  let running: Promise<void>[] = []
  let on = false
  let repeated = 0
  let waiting: { left: number; done: () => void } | undefined

  const send = ({ dialect, fields, idempotencyKey }: Asked, purser: PurserClient) =>
    purser[dialect](fields, {
      key: o.key,
      headers: idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey },
    })

  function next(): Asked {
    const dialect = random.pick<Dialect>(['panel', 'panelbon'])
    const kind = random.int(20)
    const idempotencyKey = kind < 2 ? undefined : `key-${asked.length}`
    const order = placed[random.int(placed.length || 1)]
    const quantity = 1 + random.int(1_000)
    const link = `https://shop.example/${asked.length}`
    const fields: Fields =
      kind === 2 && order !== undefined
        ? { action: 'cancel', orders: order }
        : { action: 'add', service: o.service, link, quantity }
    return { dialect, fields, idempotencyKey, answer: undefined }
  }

  async function loop(pursers: readonly PurserClient[]): Promise<void> {
    while (on) {
      const one = next()
      asked.push(one)
      try {
        one.answer = await send(one, random.pick(pursers))
      } catch {
        // Killed while it was out: nobody knows what became of it, so this client stops.
        return
      }
      const { status, text } = one.answer
      assert.ok([200, 502, 503].includes(status), `${JSON.stringify(one.fields)}: ${text}`)
      if (status === 200 && one.fields.action === 'add') placed.push(nameOf(one.answer))
      if (waiting !== undefined && --waiting.left === 0) waiting.done()
    }
  }

  async function repeat(one: Asked, purser: PurserClient): Promise<void> {
    const again = await send(one, purser)
    const say = `${JSON.stringify(one)}: ${again.text}`
    // While a dead process still holds an order, its cancel has to be asked for once more.
    const held = one.fields.action === 'cancel' && !hadEffect(one) && again.status === 502
    assert.ok(again.status === 200 || held, say)
    if (hadEffect(one)) {
      assert.equal(again.text, one.answer?.text)
      assert.equal(again.headers.get('idempotent-replayed'), 'true')
    }
    if (one.fields.action === 'add') assert.equal((await send(one, purser)).text, again.text)
    one.answer = again
  }

  return {
    asked,
    async run(pursers, { loops, answered }) {
      on = true
      const enough = new Promise<void>((done) => {
        waiting = { left: answered, done }
      })
      running = Array.from({ length: loops }, () => loop(pursers))
      // Loops that all end, end the wait: a failure among them is told here.
      await Promise.race([enough, Promise.all(running)])
    },
    async stop() {
      on = false
      await Promise.all(running)
    },
    async repeatAll(purser) {
      const keyed = asked.slice(repeated).filter((one) => one.idempotencyKey !== undefined)
      repeated = asked.length
      const adds = keyed.filter((one) => one.fields.action === 'add')
      const cancels = keyed.filter((one) => one.fields.action === 'cancel')
      // Those that have to wait for the lease of a dead process wait together.
      const waiting = cancels.map((one) => repeat(one, purser))
      for (let at = 0; at < adds.length; at += 20) {
        await Promise.all(adds.slice(at, at + 20).map((one) => repeat(one, purser)))
      }
      await Promise.all(waiting)
    },
    async check(query) {
      const account = [o.accountId]
      const orders = await query(
        `select id::text, idempotency_key from service_order where account_id = $1`,
        account,
      )
      const ids = new Map(orders.map((row) => [row.id, row.idempotency_key ?? undefined]))
      const adds = asked.filter((one) => one.fields.action === 'add')
      const answered = adds.filter((one) => one.answer?.status === 200)
      // Whatever was answered is there, under its own key; and each answer is an order of its own.
      for (const one of answered) {
        const id = nameOf(one.answer!)
        assert.ok(ids.has(id), `order ${id} was answered and is not there`)
        assert.equal(ids.get(id), one.idempotencyKey)
      }
      assert.equal(new Set(answered.map((one) => nameOf(one.answer!))).size, answered.length)
      const keys = orders.map((row) => row.idempotency_key).filter((key) => key !== null)
      assert.equal(keys.length, adds.filter((one) => one.idempotencyKey !== undefined).length)
      assert.equal(new Set(keys).size, keys.length)
      const keyless = adds.filter((one) => one.idempotencyKey === undefined)
      assert.ok(orders.length - keys.length <= keyless.length)
      const [sums] = await query(
        `select w.balance::text as balance, (
           select coalesce(sum(charge - refunded), 0) from service_order where account_id = $1
         )::text as spent
         from ledger_account w where w.account_id = $1 and w.kind = 'wallet'`,
        account,
      )
      assert.equal(BigInt(String(sums?.balance)), o.creditMicros - BigInt(String(sums?.spent)))
    },
  }
}

/** A cancel that changed nothing is judged afresh each time. */
function hadEffect({ answer, fields }: Asked): boolean {
  if (answer?.status !== 200) return false
  return fields.action === 'add' || /"status":"success"|"cancel":1\}/.test(answer.text)
}

function nameOf(answer: Answer): string {
  const { order } = answer.json as { order: number | string }
  return String(BigInt(String(order).split('-').at(-1) ?? ''))
}
